"""What people say to the assistant, spoken by many voices.

    questions.py say --speaker hibari --count 9000      questions of the training wordings, and some it cannot know
    questions.py choose --count 300                     held voices and held wordings, to choose checkpoints by

Everything said by one speaker lies end to end in $ANTIPHON_TRAIN/questions/SPEAKER.raw (int16, 24 kHz, without the silence
around it), with one line per clip in SPEAKER.jsonl. Stopped and run again, a command goes on where it stopped.
"""
import argparse
import dataclasses
import json
import random

import numpy as np

import skills
from data import sentences
from places import RATE, ROOT
from voices import HELD_VOICES, SPEAKERS, Kokoro

FOLDER = ROOT / "questions"
UNKNOWN = 0.09  # of the questions: sentences about anything


def trimmed(audio):
    """Without the silence before and after, at an RMS of 0.08."""
    size = RATE // 100
    frames = audio[:len(audio) // size * size].reshape(-1, size)
    loud = np.sqrt(np.mean(frames ** 2, 1) + 1e-12)
    voiced = np.flatnonzero(loud > 0.02 * loud.max())
    audio = audio[voiced[0] * size:(voiced[-1] + 1) * size]
    audio = audio * (0.08 / np.sqrt(np.mean(audio ** 2) + 1e-12))
    return audio * min(1, 0.95 / np.abs(audio).max())


class Clips:
    """One speaker's clips, appended to; what a killed run left unfinished is cut off."""

    def __init__(self, name):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.raw, self.index = FOLDER / f"{name}.raw", FOLDER / f"{name}.jsonl"
        self.rows = [json.loads(line) for line in open(self.index)] if self.index.exists() else []
        self.length = self.rows[-1]["first"] + self.rows[-1]["count"] if self.rows else 0
        if self.raw.exists():
            with open(self.raw, "r+b") as file:
                file.truncate(2 * self.length)

    def add(self, audio, **row):
        samples = np.round(audio * 32767).astype(np.int16)
        with open(self.raw, "ab") as file:
            file.write(samples.tobytes())
        self.rows.append(dict(first=self.length, count=len(samples)) | row)
        self.length += len(samples)
        with open(self.index, "a") as file:
            file.write(json.dumps(self.rows[-1]) + "\n")


def unknown(chance, texts):
    text = chance.choice(texts)
    return skills.finished("other", "", text, skills.NOT_UNDERSTOOD)


def say(arguments):
    clips, speaker = Clips(arguments.speaker), SPEAKERS[arguments.speaker]()
    chosen = arguments.skills.split(",") if arguments.skills else list(skills.SHARES)
    if strange := set(chosen) - set(skills.SHARES):
        raise SystemExit(f"questions.py: there is no skill {', '.join(sorted(strange))}; there are {', '.join(skills.SHARES)}")
    texts = [text for text in sentences() if len(text.split()) <= 10]
    # The last tenth of the sentences is kept for the tests.
    texts = texts[:len(texts) * 9 // 10]
    for index in range(len(clips.rows), arguments.count):
        chance = random.Random(f"{arguments.speaker} {index} {arguments.seed}")
        is_unknown = chance.random() < UNKNOWN and not arguments.skills
        item = unknown(chance, texts) if is_unknown else skills.exchange(chance, arguments.wordings, skills.drawn(chance, chosen))
        voice, speed = speaker.choose(chance), chance.choice((0.85, 0.9, 0.95, 1.0, 1.0, 1.05, 1.1, 1.2))
        text = skills.opened(chance, item.question)
        try:
            audio = trimmed(speaker.say(text, voice, speed))
        except Exception as problem:  # a teacher's own failure on one text: another clip takes its place
            print(f"{voice} cannot say '{text}': {problem}")
            continue
        clips.add(audio, voice=voice, text=text, **dataclasses.asdict(item))


def choose(arguments):
    clips, speaker = Clips("choose"), Kokoro()
    texts = [text for text in sentences() if len(text.split()) <= 10]
    texts = texts[len(texts) * 9 // 10:]
    texts = texts[:len(texts) // 2]  # the other half is for the final test
    for index in range(len(clips.rows), arguments.count):
        chance = random.Random(f"choose {index}")
        item = unknown(chance, texts) if chance.random() < 0.08 else skills.exchange(chance, chance.choice(("train", "choose")))
        voice = chance.choice(sorted(HELD_VOICES))
        clips.add(trimmed(speaker.say(item.question, voice, 1.0)), voice=voice, text=item.question, **dataclasses.asdict(item))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("say")
    command.add_argument("--speaker", choices=list(SPEAKERS), required=True)
    command.add_argument("--count", type=int, required=True)
    command.add_argument("--wordings", choices=("train", "more"), default="train", help="more: only those of wordings.py")
    command.add_argument("--seed", type=int, default=1, help="another one asks other questions")
    command.add_argument("--skills", help="only these, with commas: repeat,spell,name")
    command.set_defaults(run=say)
    command = commands.add_parser("choose")
    command.add_argument("--count", type=int, default=300)
    command.set_defaults(run=choose)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
