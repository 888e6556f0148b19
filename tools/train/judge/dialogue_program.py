"""The final test of the dialogue model, through the program (tools/evaluate).

    python -m tools.train.judge.dialogue_program [--count 450] [--model DIR] [--show]
        [--parts questions,microphone,noise,pause,interrupt,unknown,long,ceiling]

Voices are the reserved ones, wordings the reserved ones; neither training nor choosing has heard either. `--wordings
independent` asks as somebody does who had seen no list of wordings, `--wordings choose` in voices and wordings that
checkpoints are chosen by: to find out what to do next. Needs a release build.
"""

import argparse
import dataclasses
import pathlib
import random
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import soundfile

from tools.common.program import antiphon_json
from tools.common.sizes import RATE
from tools.train.data.question_clips import trimmed
from tools.train.data.sentences import sentences
from tools.train.data.surroundings import coloured_noise, odd_signal, paused
from tools.train.data.voices import RESERVED_VOICES, Hibari, Kokoro
from tools.train.dialogue.words import answer_sound
from tools.train.judge.answers import agrees, compared, normal, word_errors
from tools.train.judge.final_questions import asked, spoken
from tools.train.judge.microphone import microphone
from tools.train.judge.recognisers import Whisper

QUIET = 10 ** (-42 / 20)


class Model:
    """The program under test."""

    def __init__(self, directory: str | None, seed: int, chosen: Sequence[str]) -> None:
        self.options = ["--seed", str(seed), *(["--model", directory] if directory else []), *chosen]
        self.scratch = pathlib.Path(tempfile.mkdtemp())

    def respond(self, audio: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Sound in; the reply's sound, and its text."""
        question, reply = self.scratch / "question.wav", self.scratch / "reply.wav"
        soundfile.write(question, audio, RATE)
        said = antiphon_json("respond", question, reply, "--overwrite", *self.options, quiet=True)
        return soundfile.read(reply, dtype="float32")[0], said


def ahead(arguments: argparse.Namespace) -> list[str]:
    """The options of `respond` by which the model runs ahead of its backbone."""
    values = {name: getattr(arguments, name) for name in ("early", "frames_per_pass", "late_every")}
    return [part for name, value in values.items() if value for part in (f"--{name.replace('_', '-')}", str(value))]


def silence(seconds: float) -> np.ndarray:
    """So many seconds of it."""
    return np.zeros(int(seconds * RATE), np.float32)


def onset(reply: np.ndarray, after: float = 0.0) -> float | None:
    """Seconds at which the reply is first heard, or None."""
    loud = np.flatnonzero(np.abs(reply[int(after * RATE) :]) > QUIET)
    return after + loud[0] / RATE if len(loud) else None


def percent(values: Sequence[bool] | np.ndarray) -> str:
    """The share of what is true, and of how many."""
    return f"{100 * np.mean(values):.1f} % of {len(values)}" if len(values) else "none"


class Test:
    """The parts of the test; each prints its figures."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.model, self.judge, self.kokoro = (
            Model(arguments.model, arguments.seed, ahead(arguments)),
            Whisper(arguments.threads),
            Kokoro(),
        )

    def read(self, audio: np.ndarray) -> str:
        """What the judge reads in a sound, with a little silence around it."""
        return " ".join(self.judge.read(np.concatenate([silence(0.3), audio, silence(0.3)]), "en"))

    def questions(self, change: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
        """Right answers by skill, words that are misread, and delays; `change` is done to each question's sound."""
        scores: dict[str, list[bool]] = {}
        delays: list[float] = []
        own: list[tuple[str, str]] = []
        texts: list[bool] = []
        for audio, item in spoken(self.kokoro, self.arguments.count, self.arguments.wordings):
            question = np.concatenate([silence(0.8), audio, silence(0.6)])
            if change:
                question = change(question)
            reply, said = self.model.respond(question)
            heard = self.read(reply)
            right = agrees(heard, item)
            skill = item["skill"].split("/")[0]
            for key in (skill, "all"):
                scores.setdefault(key, []).append(right)
            texts.append(agrees(said["text"], item))
            start = onset(reply)
            if start is not None:
                delays.append(start - 0.8 - len(audio) / RATE)
            if said["text"].strip():
                own += compared(said["text"], heard, item["skill"])
            if self.arguments.show and not right:
                print(f"{item['question']} -> text '{said['text'].strip()}', heard '{heard}'", flush=True)
        for key, values in sorted(scores.items()):
            print(f"  {key:14s} right: {percent(values)}")
        print(f"  right in its own text: {percent(texts)}")
        print(f"  WER of its speech against its text: {word_errors(own)}")
        late = np.array(delays)
        print(
            f"  reply begins after the question: median {1000 * np.median(late):.0f} ms, 95 % within "
            f"{1000 * np.percentile(late, 95):.0f} ms; before its end: {percent(late < 0)}; none at all in "
            f"{self.arguments.count - len(delays)}"
        )

    def microphone(self) -> None:
        """The questions through a microphone."""
        chance = np.random.default_rng(5)
        self.questions(lambda audio: microphone(chance, audio))

    def noise(self) -> None:
        """False starts in half an hour of what is not speech."""
        chance, starts, minutes = np.random.default_rng(9), 0, 0.0
        while minutes < self.arguments.minutes:
            parts = []
            for _ in range(6):
                count = 10 * RATE
                kind = chance.integers(5)
                sound = odd_signal(chance, count) * 0.3 if kind < 3 else np.zeros(count)
                if kind == 3:
                    for click in chance.integers(0, count - 3000, 40):
                        size = int(chance.integers(300, 1500))
                        sound[click : click + size] += (
                            coloured_noise(chance, size) * np.exp(-np.arange(size) / 150) * 0.1
                        )
                parts.append(sound)
            reply, said = self.model.respond(np.concatenate(parts).clip(-1, 1).astype(np.float32))
            starts += (
                len(said["text"].replace("?", ".").split("."))
                - 1
                + (onset(reply) is not None and not said["text"].strip())
            )
            minutes += 1
        print(f"  false starts: {starts} in {minutes:.0f} minutes ({starts / minutes:.2f} per minute)")

    def pause(self) -> None:
        """How often a pause of 700 ms within a question is taken for its end."""
        chance, cut, count = np.random.default_rng(3), [], 0
        for audio, _ in spoken(self.kokoro, self.arguments.count, self.arguments.wordings):
            if len(audio) < 1.5 * RATE:
                continue
            question = np.concatenate([silence(0.8), paused(Fixed(chance, 0.7), audio)])
            reply, _ = self.model.respond(np.concatenate([question, silence(0.6)]))
            start = onset(reply)
            cut.append(start is not None and start < len(question) / RATE)
            count += 1
            if count >= self.arguments.few:
                break
        print(f"  cuts in on a pause of 700 ms: {percent(cut)}")

    def interrupt(self) -> None:
        """A second question 0.8 s into the reply to the first."""
        stops, right, pairs = [], [], list(spoken(self.kokoro, self.arguments.count, self.arguments.wordings))
        pairs = [pair for pair in pairs if len(pair[1]["answer"]) > 28]
        for number in range(min(self.arguments.few, len(pairs) - 1)):
            (first, _), (second, item) = pairs[number], pairs[number + 1]
            reply, _ = self.model.respond(np.concatenate([silence(0.8), first, silence(0.6)]))
            start = onset(reply)
            if start is None or start < 0.8 + len(first) / RATE:
                continue
            at = start + 0.8
            question = np.zeros(int(at * RATE) + len(second) + int(0.6 * RATE), np.float32)
            question[int(0.8 * RATE) : int(0.8 * RATE) + len(first)] = first
            question[int(at * RATE) : int(at * RATE) + len(second)] += second
            reply, _ = self.model.respond(question)
            window = RATE // 10
            talks = [
                np.abs(reply[int(at * RATE) + k * window : int(at * RATE) + (k + 1) * window]).max(initial=0) > QUIET
                for k in range(max(1, int(len(second) / window)))
            ]
            stops.append((max([k for k, loud in enumerate(talks) if loud], default=-1) + 1) * 0.1)
            right.append(agrees(self.read(reply[int(at * RATE) + len(second) :]), item))
        stops = np.array(stops)
        print(
            f"  stops when interrupted: 95 % within {1000 * np.percentile(stops, 95):.0f} ms, median "
            f"{1000 * np.median(stops):.0f} ms, within 500 ms {percent(stops <= 0.5)}; "
            f"then answers rightly: {percent(right)}"
        )

    def unknown(self) -> None:
        """How often the answer to a sentence about anything is that it was not understood."""
        texts = [text for text in sentences() if len(text.split()) <= 10]
        texts = texts[len(texts) * 9 // 10 :]
        texts = texts[len(texts) // 2 :]
        said_so = []
        for number in range(self.arguments.few):
            chance = random.Random(f"unknown {number}")
            audio = trimmed(self.kokoro.say(chance.choice(texts), chance.choice(sorted(RESERVED_VOICES)), 1.0))
            reply, said = self.model.respond(np.concatenate([silence(0.8), audio, silence(0.6)]))
            said_so.append("understand" in normal(self.read(reply)))
        print(f"  out of domain, says it did not understand: {percent(said_so)}")

    def long(self) -> None:
        """Sixty turns in ten minutes: the last two minutes against the first two."""
        pairs = list(spoken(self.kokoro, min(60, self.arguments.count), self.arguments.wordings))
        parts = []
        for audio, _ in pairs:
            turn = silence(10.0)
            turn[: len(audio)] = audio[: len(turn)]
            parts.append(turn)
        reply, _ = self.model.respond(np.concatenate(parts))
        right = [
            agrees(self.read(reply[number * 10 * RATE : (number + 1) * 10 * RATE]), item)
            for number, (_, item) in enumerate(pairs)
        ]
        print(
            f"  a conversation of {len(right)} turns: first twelve {percent(right[:12])}, "
            f"last twelve {percent(right[-12:])}, "
            f"all {percent(right)}"
        )

    def ceiling(self) -> None:
        """What the judge reads rightly when the assistant's teacher says the right answer itself: as it is, and
        through the codec.
        """
        from tools.train.judge.codec_program import DEFAULT, Runtime

        teacher = Hibari()
        codec = Runtime(pathlib.Path(self.arguments.model) / "codec.safetensors" if self.arguments.model else DEFAULT)
        right: dict[str, list[bool]] = {}
        said: dict[str, list[tuple[str, str]]] = {}
        for index in range(self.arguments.few):
            item = dataclasses.asdict(asked(index, self.arguments.wordings)[1])
            audio = answer_sound(teacher, item["answer"], 1.0, index)[0]
            audio = np.concatenate([silence(0.6), audio, silence(0.4)])
            for way, sound in (("as it is", audio), ("through the codec", codec.through(audio)[0])):
                heard = self.read(sound)
                right.setdefault(way, []).append(agrees(heard, item))
                said.setdefault(way, []).extend(compared(item["answer"], heard, item["skill"]))
        for way, values in right.items():
            print(f"  the teacher's own answers, {way}: {percent(values)}, WER {word_errors(said[way])}")


class Fixed:
    """A chance whose pauses are all of one length."""

    def __init__(self, chance: np.random.Generator, seconds: float) -> None:
        self.chance, self.seconds = chance, seconds

    def uniform(self, *_: float) -> float:
        """That length, whatever is asked for."""
        return self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=450, help="questions")
    parser.add_argument("--few", type=int, default=60, help="of the pauses, interruptions and unknown sentences")
    parser.add_argument("--minutes", type=int, default=30, help="of noise")
    parser.add_argument("--parts", default="questions,microphone,noise,pause,interrupt,unknown,long")
    parser.add_argument("--model", help="a model directory; without it, the one that ships")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--wordings", choices=("reserved", "independent", "choose"), default="reserved")
    parser.add_argument("--early", choices=("on", "off"), help="frames are played a step sooner, as drafted")
    parser.add_argument("--frames-per-pass", type=int, help="of the backbone, while the model speaks")
    parser.add_argument("--late-every", type=int, help="so many frames, one is late, and concealed")
    parser.add_argument("--show", action="store_true", help="wrong answers")
    arguments = parser.parse_args()
    test = Test(arguments)
    for part in arguments.parts.split(","):
        print(part, flush=True)
        getattr(test, part)()


if __name__ == "__main__":
    main()
