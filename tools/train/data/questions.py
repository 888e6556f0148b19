"""What people say to the assistant, spoken by many voices.

    python -m tools.train.data.questions COMMAND ...

    say --speaker hibari --count 9000      questions of the training wordings, and some it cannot know
    choose --count 300                     held voices and held wordings, to choose checkpoints by
    plan --speaker blend --count 30000 --name blend.1   what Kokoro is to say, as phonemes
    speak [--part K --of N] [--seconds S]               says every plan on a GPU, hundreds at once

question_clips.py tells where they lie. A command that was stopped resumes when it is run again.
"""

import argparse
import dataclasses
import json
import random
import time
from collections.abc import Sequence

from tools.train.data import skills
from tools.train.data.question_clips import SpokenClips, trimmed
from tools.train.data.sentences import sentences
from tools.train.data.voices import HELD_VOICES, SPEAKERS, Kokoro, Speaker
from tools.train.folders import QUESTIONS

UNKNOWN = 0.09  # of the questions: sentences about anything


def unknown(chance: random.Random, texts: Sequence[str]) -> skills.Exchange:
    """An exchange about a sentence that the assistant cannot understand."""
    text = chance.choice(texts)
    return skills.finished("other", "", text, skills.NOT_UNDERSTOOD)


class Asking:
    """What one speaker is to say: item `index` is always the same."""

    def __init__(self, arguments: argparse.Namespace, name: str, speaker: Speaker) -> None:
        self.arguments, self.name, self.speaker = arguments, name, speaker
        self.skills = arguments.skills.split(",") if arguments.skills else list(skills.SHARES)
        if strange := set(self.skills) - set(skills.SHARES):
            raise SystemExit(
                f"data.questions: there is no skill {', '.join(sorted(strange))}; there are {', '.join(skills.SHARES)}"
            )
        texts = [text for text in sentences() if len(text.split()) <= 10]
        # The last tenth of the sentences is kept for the tests.
        self.texts = texts[: len(texts) * 9 // 10]

    def item(self, index: int) -> tuple[skills.Exchange, str, str, float]:
        """An exchange, the words that are said, the voice and its speed."""
        chance = random.Random(f"{self.name} {index} {self.arguments.seed}")
        is_unknown = chance.random() < UNKNOWN and not self.arguments.skills
        skill = None if is_unknown else skills.drawn(chance, self.skills)
        item = unknown(chance, self.texts) if is_unknown else skills.exchange(chance, self.arguments.wordings, skill)
        voice, speed = self.speaker.choose(chance), chance.choice((0.85, 0.9, 0.95, 1.0, 1.0, 1.05, 1.1, 1.2))
        return item, skills.opened(chance, item.question), voice, speed


def say(arguments: argparse.Namespace) -> None:
    """Says a speaker's questions one after the other."""
    clips, speaker = SpokenClips(arguments.speaker), SPEAKERS[arguments.speaker]()
    asking = Asking(arguments, arguments.speaker, speaker)
    for index in range(len(clips.rows), arguments.count):
        item, text, voice, speed = asking.item(index)
        try:
            audio = trimmed(speaker.say(text, voice, speed))
        except Exception as problem:  # a teacher's own failure on one text: another clip takes its place
            print(f"{voice} cannot say '{text}': {problem}")
            continue
        clips.add(audio, voice=voice, text=text, **dataclasses.asdict(item))


def plan(arguments: argparse.Namespace) -> None:
    """Writes what one of Kokoro's speakers is to say, as phonemes: `speak` says them all at once."""
    speaker = SPEAKERS[arguments.speaker]()
    asking = Asking(arguments, arguments.speaker, speaker)
    QUESTIONS.mkdir(parents=True, exist_ok=True)
    with open(QUESTIONS / f"{arguments.name}.plan", "w") as file:
        for index in range(arguments.count):
            item, text, voice, speed = asking.item(index)
            row = dict(ids=speaker.spelt(text, voice), speed=speed, voice=voice, text=text, **dataclasses.asdict(item))
            file.write(json.dumps(row) + "\n")


def speak(arguments: argparse.Namespace) -> None:
    """Says what is planned, a part of it, many sentences at once."""
    from tools.train.data.kokoro_graph import KokoroGraph
    from tools.train.data.question_clips import planned

    jobs = list(planned())
    random.Random(1).shuffle(jobs)  # so that those who run out of time have said some of everything
    jobs = jobs[arguments.part :: arguments.of]
    speaker, clips = KokoroGraph(arguments.device), {}
    began = time.time()
    for first in range(0, len(jobs), arguments.at_once):
        if time.time() - began > arguments.seconds:
            break
        some = jobs[first : first + arguments.at_once]
        for number, audio in speaker.say_all([(row["ids"], row["voice"], row["speed"]) for row in some]):
            row = some[number]
            name = f"{row['plan']}-{arguments.part}"
            if name not in clips:
                clips[name] = SpokenClips(name)
            clips[name].add(
                trimmed(audio), **{key: value for key, value in row.items() if key not in ("ids", "speed", "plan")}
            )
        print(f"{first + len(some)} said in {time.time() - began:.0f} s", flush=True)


def choose(arguments: argparse.Namespace) -> None:
    """Says the questions that checkpoints are chosen by."""
    clips, speaker = SpokenClips("choose"), Kokoro()
    texts = [text for text in sentences() if len(text.split()) <= 10]
    texts = texts[len(texts) * 9 // 10 :]
    texts = texts[: len(texts) // 2]  # the other half is for the final test
    for index in range(len(clips.rows), arguments.count):
        chance = random.Random(f"choose {index}")
        item = (
            unknown(chance, texts)
            if chance.random() < 0.08
            else skills.exchange(chance, chance.choice(("train", "choose")))
        )
        voice = chance.choice(sorted(HELD_VOICES))
        clips.add(
            trimmed(speaker.say(item.question, voice, 1.0)), voice=voice, text=item.question, **dataclasses.asdict(item)
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, run, speakers in (("say", say, list(SPEAKERS)), ("plan", plan, ["kokoro", "blend"])):
        command = commands.add_parser(name)
        command.add_argument("--speaker", choices=speakers, required=True)
        command.add_argument("--count", type=int, required=True)
        command.add_argument(
            "--wordings", choices=("train", "more"), default="train", help="more: only those by which train was widened"
        )
        command.add_argument("--seed", type=int, default=1, help="another one asks other questions")
        command.add_argument("--skills", help="only these, with commas: repeat,spell,name")
        command.set_defaults(run=run)
    command.add_argument("--name", required=True, help="of the plan: SPEAKER.ANYTHING")
    command = commands.add_parser("speak")
    command.add_argument("--device", default="cuda")
    command.add_argument("--part", type=int, default=0)
    command.add_argument("--of", type=int, default=1)
    command.add_argument("--at-once", type=int, default=4000, help="sentences that are sorted by length")
    command.add_argument("--seconds", type=float, default=1e9, help="after which it begins no more of them")
    command.set_defaults(run=speak)
    command = commands.add_parser("choose")
    command.add_argument("--count", type=int, default=300)
    command.set_defaults(run=choose)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
