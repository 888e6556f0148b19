"""From spoken questions to what the dialogue model trains on: codes, texts and times.

    python -m tools.train.dialogue.encode COMMAND ...

    tokenizer                 SentencePiece pieces of everything that is asked and answered
    encode --part K --of N    questions in rooms and noise, answers by the assistant, and what is not speech

`encode` may run as several processes at once, each writing its own share; all of it lies in $ANTIPHON_TRAIN/dialogue.
Run again after more was said, it adds what is new.
"""

import argparse
import itertools
import json
import os
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tools.common.sizes import FRAME, RATE
from tools.train.codec.encoder import Encoder, side_by_side
from tools.train.data import skills
from tools.train.data.question_clips import Row, planned, questions
from tools.train.data.surroundings import (
    coloured_noise,
    odd_signal,
    paused,
    surroundings,
)
from tools.train.data.voices import Hibari
from tools.train.dialogue.model import PADDING, WORD
from tools.train.dialogue.words import answer_sound, heard, is_spelled, load_pieces, timed_words
from tools.train.folders import DIALOGUE, QUESTIONS, ROOT
from tools.train.sound import frames_of

PIECES = 1000
BEFORE = 8  # frames of silence that the codec hears before an answer
LETTERS = 0.8  # speed of a spelled word: through the codec Whisper reads 86 % of them at 0.8, 77 % at 1.0
# What `encode --recited` draws answers of; most sentences to repeat are never asked for in training.
RECITED = (*["repeat"] * 8, "digits", "spell", "name", "greet", "opposite")


def tokenizer(arguments: argparse.Namespace) -> None:
    """Trains the text pieces on what is asked and answered."""
    import sentencepiece

    DIALOGUE.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1)
    with open(DIALOGUE / "text.txt", "w") as file:
        for _ in range(60000):
            item = skills.exchange(chance)
            file.write(f"{item.answer}\n{heard(item.question)}\n" if item.answer else f"{heard(item.question)}\n")
        for row in questions():
            file.write(f"{row['answer']}\n{heard(row['text'])}\n")
    # The model keeps the names it was trained with: relative ones, so that no machine's folders ship.
    os.chdir(DIALOGUE)
    sentencepiece.SentencePieceTrainer.train(
        input="text.txt",
        model_prefix="tokenizer",
        vocab_size=PIECES,
        model_type="unigram",
        character_coverage=1.0,
        pad_id=PADDING,
        unk_id=WORD,
        bos_id=1,
        eos_id=2,
        input_sentence_size=200000,
        shuffle_input_sentence=True,
        num_threads=1,
        minloglevel=1,
    )


class Shelf:
    """Codes of many clips end to end, with a line for each; goes on from what an earlier run saved."""

    def __init__(self, name: str) -> None:
        self.name, self.codes, self.rows = name, [], []
        if (DIALOGUE / f"{name}.json").exists():
            self.rows, self.codes = (
                json.loads((DIALOGUE / f"{name}.json").read_text()),
                [np.load(DIALOGUE / f"{name}.npy")],
            )
        self.length = sum(row["frames"] for row in self.rows)

    def add(self, codes: np.ndarray, **row: Any) -> None:
        """Appends a clip's codes and its row."""
        self.codes.append(codes)
        self.rows.append(dict(first=self.length, frames=len(codes)) | row)
        self.length += len(codes)

    def save(self) -> "Shelf":
        """Writes all of it; the shelf itself."""
        if not self.rows:
            return self
        self.codes = [np.concatenate(self.codes)]
        np.save(DIALOGUE / f"{self.name}.npy", self.codes[0])
        (DIALOGUE / f"{self.name}.json").write_text(json.dumps(self.rows))
        return self


class Encoding:
    """One process of `encode`: its share of the answers, of the questions, and of what is neither."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        self.arguments = arguments
        self.encoders = [Encoder(path, arguments.half, arguments.device) for path in arguments.codec]
        self.encoder, self.pieces, self.rows = self.encoders[0], load_pieces(), list(questions())
        self.chance = np.random.default_rng((arguments.seed, arguments.part))

    def mine(self, number: int) -> bool:
        """Whether a job is this process's."""
        return number % self.arguments.of == self.arguments.part

    def shelf(self, name: str) -> Shelf:
        """This process's shelf of a name."""
        return Shelf(f"{name}-{self.arguments.part}")

    def answers(self) -> Shelf:
        """Sound, codes, and the frame at which each word begins, of every answer that has none yet."""
        shelf = self.shelf("answers")
        chance = random.Random(self.arguments.seed)
        texts = {row["answer"] for row in itertools.chain(self.rows, planned()) if row["answer"]}
        for _ in range(self.arguments.recited):
            texts.add(skills.exchange(chance, skill=chance.choice(RECITED)).answer)
        there = {row["text"] for path in DIALOGUE.glob("answers-*.json") for row in json.loads(path.read_text())}
        jobs = sorted(
            (text for number, text in enumerate(sorted(texts)) if self.mine(number) and text not in there), key=len
        )
        hibari: Hibari | None = None
        for first in range(0, len(jobs), 16):
            hibari = hibari or Hibari()
            takes = [self.take(hibari, text) for text in jobs[first : first + 16]]
            for (_, words), codes, text in zip(
                takes, self.encoder([sound for sound, _ in takes]), jobs[first : first + 16]
            ):
                shelf.add(codes[BEFORE:], text=text, words=words)
        return shelf.save()

    def take(self, teacher: Hibari, text: str) -> tuple[np.ndarray, list[tuple[int, list[int]]]]:
        """An answer's sound after `BEFORE` frames of silence, and its timed words. Every answer has one take, from
        the beginning of a frame and at one speed: nothing but its text decides its codes.
        """
        audio, times = answer_sound(teacher, text, LETTERS if is_spelled(text) else 1.0, 0)
        sound = np.concatenate([np.zeros(BEFORE * FRAME), frames_of(audio), np.zeros(5 * FRAME)])
        return sound, timed_words(self.pieces, text, times)

    def questions(self) -> Shelf:
        """Every question in its surroundings, several times, long enough for the reply."""
        arguments, shelf = self.arguments, self.shelf("questions")
        there = {
            tuple(row["clip"]) for path in DIALOGUE.glob("questions-*.json") for row in json.loads(path.read_text())
        }

        # Of the best and slowest teacher more takes.
        def takes(row: Row) -> int:
            return arguments.kokoro_takes if row["speaker"] in ("kokoro", "blend") else arguments.takes

        jobs = [
            row | dict(take=take)
            for number, row in enumerate(self.rows)
            if self.mine(number)
            for take in range(takes(row))
            if (row["file"], row["first"], take) not in there
        ]
        random.Random(arguments.part).shuffle(jobs)
        heard = Surrounded(
            self, sorted(jobs[: arguments.most], key=lambda row: row["count"]), 64 if arguments.loaders else 16
        )
        for number, (sounds, rows) in enumerate(
            torch.utils.data.DataLoader(
                heard, batch_size=None, num_workers=arguments.loaders, collate_fn=lambda some: some
            )
        ):
            for encoder in self.encoders:
                for codes, row in zip(encoder(sounds), rows):
                    shelf.add(codes[: row["frames"]], **row)
            if number % 100 == 99:
                print(f"{len(shelf.rows)} questions", flush=True)
        return shelf.save()

    def question(self, chance: np.random.Generator, row: Row, audio: np.ndarray) -> tuple[np.ndarray, Row]:
        """Its sound, a whole number of frames, and what is known of it."""
        from scipy.signal import resample

        if row["take"] > 0 and chance.random() < 0.6:
            audio = resample(audio, round(len(audio) * chance.uniform(0.82, 1.2))).astype(np.float32)
        # Most questions end in silence at once; a pause inside must not be taken for the end.
        if len(audio) > 1.2 * RATE and chance.random() < 0.45:
            audio = paused(chance, audio)
        lead = int(chance.integers(5, 15)) * FRAME + int(chance.integers(FRAME))
        reply = len(row["answer"]) / 14 * 1.15 + 1.0
        # What a lesson needs is shorter than a reply that is spoken.
        tail = int(
            (reply if row["take"] == 0 or chance.random() < 0.3 else 0.6) * RATE + chance.uniform(0.2, 1.2) * RATE
        )
        sound = frames_of(np.concatenate([np.zeros(lead, np.float32), audio, np.zeros(tail, np.float32)]))
        heard_as = sound * 10 ** (chance.uniform(-10, 4) / 20) if self.arguments.clean else surroundings(chance, sound)
        return heard_as, dict(
            frames=len(sound) // FRAME,
            begin=lead // FRAME,
            end=(lead + len(audio)) // FRAME,
            answer=row["answer"],
            heard=self.pieces.encode(heard(row["text"])),
            speaker=row["speaker"],
            skill=row["skill"],
            clip=(row["file"], row["first"], row["take"]),
        )

    def others(self) -> Shelf:
        """What is not speech, and speech that cannot be understood: real people in other languages. Made once."""
        shelf = self.shelf("others")
        if shelf.rows:
            return shelf
        for _ in range(240 // self.arguments.of):
            shelf.add(self.encoder([self.no_speech()])[0], answer="")
        index = json.loads((ROOT / "corpus.json").read_text())
        corpus = np.load(ROOT / "corpus.npy", mmap_mode="r")
        foreign = [clip for clip in index["clips"] if clip["group"] == "recorded" and 14 < clip["frames"] < 70]
        random.Random(3).shuffle(foreign)
        for clip in [clip for number, clip in enumerate(foreign[:700]) if self.mine(number)]:
            audio = corpus[clip["first"] * FRAME : (clip["first"] + clip["frames"]) * FRAME].astype(np.float32) / 32768
            lead, loud = int(self.chance.integers(5, 15)), np.flatnonzero(np.abs(audio) > 0.03 * np.abs(audio).max())
            sound = np.concatenate(
                [np.zeros(lead * FRAME, np.float32), audio, np.zeros(int(4.5 * RATE) // FRAME * FRAME, np.float32)]
            )
            shelf.add(
                self.encoder([surroundings(self.chance, sound)])[0],
                begin=lead + int(loud[0]) // FRAME,
                end=lead + int(loud[-1]) // FRAME,
                answer=skills.NOT_UNDERSTOOD.replace("*", ""),
                heard=[],
                speaker="foreign",
                skill="other",
            )
        return shelf.save()

    def no_speech(self) -> np.ndarray:
        """Noise, clicks, or an odd signal, 3 to 10 s long."""
        chance = self.chance
        count = int(chance.integers(40, 120)) * FRAME
        kind = chance.random()
        if kind < 0.35:
            sound = coloured_noise(chance, count) * 10 ** chance.uniform(-4, -1)
        elif kind < 0.5:
            sound = np.zeros(count)
            for click in chance.integers(0, count - 3000, count // 6000):
                size = int(chance.integers(200, 1500))
                sound[click : click + size] += (
                    coloured_noise(chance, size) * np.exp(-np.arange(size) / 150) * chance.uniform(0.02, 0.2)
                )
        else:
            sound = odd_signal(chance, count) * chance.uniform(0.1, 1)
        return np.clip(sound, -1, 1).astype(np.float32)


def encode(arguments: argparse.Namespace) -> None:
    """One process's share of the work."""
    work = Encoding(arguments)
    if arguments.only != "questions":
        answers = work.answers()
        print(f"{len(answers.rows)} answers, {answers.length} frames", flush=True)
    if arguments.only == "answers":
        return
    asked = work.questions()
    print(f"{len(asked.rows)} questions, {asked.length} frames", flush=True)
    if arguments.only == "questions":
        return
    others = work.others()
    # What either line gives when all is silent, by this encoder.
    silence = work.encoder([np.zeros(60 * FRAME, np.float32)])[0]
    np.save(DIALOGUE / "silence.npy", silence[50])
    print(
        f"{len(others.rows)} others; silence varies in {int((silence[40:] != silence[50]).any(1).sum())} of 20 frames",
        flush=True,
    )


class Surrounded(torch.utils.data.Dataset):
    """Questions as a microphone hears them, so many at a time: sounds of one length, and a row for each."""

    def __init__(self, work: Encoding, jobs: Sequence[Row], at_once: int) -> None:
        self.work, self.jobs, self.at_once = work, jobs, at_once
        self.sources = {path.stem: np.memmap(path, np.int16, "r") for path in QUESTIONS.glob("*.raw")}

    def __len__(self) -> int:
        return -(-len(self.jobs) // self.at_once)

    def __getitem__(self, number: int) -> tuple[Tensor, tuple[Row, ...]]:
        some = self.jobs[self.at_once * number : self.at_once * (number + 1)]
        chance = np.random.default_rng((self.work.arguments.seed, some[0]["first"], some[0]["take"]))
        found = []
        for row in some:
            audio = self.sources[row["file"]][row["first"] : row["first"] + row["count"]].astype(np.float32) / 32768
            found.append(self.work.question(chance, row, audio))
        sounds, rows = zip(*found)
        return side_by_side(sounds), rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("tokenizer")
    command.set_defaults(run=tokenizer)
    command = commands.add_parser("encode")
    command.add_argument(
        "--codec",
        nargs="+",
        default=[str(ROOT / "codec" / "codec.safetensors")],
        help="several: each question by every one of them, all else by the first",
    )
    command.add_argument("--device", default="cpu")
    command.add_argument(
        "--loaders", type=int, default=0, help="processes that put questions into surroundings: for a GPU"
    )
    command.add_argument("--part", type=int, default=0)
    command.add_argument("--of", type=int, default=1)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--takes", type=int, default=1, help="of each question, each in other surroundings")
    command.add_argument("--kokoro-takes", type=int, default=5, help="of each of Kokoro's questions")
    command.add_argument("--recited", type=int, default=0, help="answers that nobody asks for, for recitals")
    command.add_argument(
        "--half", action="store_true", help="bf16 networks: twice as fast, one code in fifty is another"
    )
    command.add_argument("--most", type=int, default=10**9, help="questions of this part")
    command.add_argument(
        "--clean", action="store_true", help="questions without room, noise and band: for judge.reader"
    )
    command.add_argument("--only", choices=("answers", "questions"), help="nothing else")
    command.set_defaults(run=encode)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
