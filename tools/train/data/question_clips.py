"""Spoken questions on disk.

Everything said by one speaker lies end to end in $ANTIPHON_TRAIN/questions/SPEAKER.raw (int16, 24 kHz, without the
silence around it), with one line per clip in SPEAKER.jsonl.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tools.common.sizes import RATE
from tools.train.data.voices import SPEAKERS
from tools.train.folders import QUESTIONS

Row = dict[str, Any]  # of a clip: `first` and `count` of its samples, what is said, by whom, and what is answered


def trimmed(audio: np.ndarray) -> np.ndarray:
    """Without the silence before and after, at an RMS of 0.08."""
    size = RATE // 100
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    loud = np.sqrt(np.mean(frames**2, 1) + 1e-12)
    voiced = np.flatnonzero(loud > 0.02 * loud.max())
    audio = audio[voiced[0] * size : (voiced[-1] + 1) * size]
    audio = audio * (0.08 / np.sqrt(np.mean(audio**2) + 1e-12))
    return audio * min(1, 0.95 / np.abs(audio).max())


class SpokenClips:
    """One speaker's clips, appended to; what a killed run left unfinished is cut off."""

    def __init__(self, name: str) -> None:
        QUESTIONS.mkdir(parents=True, exist_ok=True)
        self.raw, self.index = QUESTIONS / f"{name}.raw", QUESTIONS / f"{name}.jsonl"
        self.rows = [json.loads(line) for line in open(self.index)] if self.index.exists() else []
        self.length = self.rows[-1]["first"] + self.rows[-1]["count"] if self.rows else 0
        if self.raw.exists():
            with open(self.raw, "r+b") as file:
                file.truncate(2 * self.length)

    def add(self, audio: np.ndarray, **row: Any) -> None:
        """Appends a clip's samples and its row."""
        samples = np.round(audio * 32767).astype(np.int16)
        with open(self.raw, "ab") as file:
            file.write(samples.tobytes())
        self.rows.append(dict(first=self.length, count=len(samples)) | row)
        self.length += len(samples)
        with open(self.index, "a") as file:
            file.write(json.dumps(self.rows[-1]) + "\n")


def questions() -> Iterator[Row]:
    """Rows of all training clips, each with who speaks and the file it lies in."""
    for path in sorted(QUESTIONS.glob("*.jsonl")):
        speaker = re.split(r"\W", path.stem)[0]
        if speaker in SPEAKERS:
            for line in open(path):
                yield json.loads(line) | dict(speaker=speaker, file=path.stem)


def planned() -> Iterator[Row]:
    """Rows of what is to be said on a GPU, each with the plan it stands in."""
    for path in sorted(QUESTIONS.glob("*.plan")):
        for line in open(path):
            yield json.loads(line) | dict(plan=path.stem)


def held(count: int | None = None) -> Iterator[tuple[Row, np.ndarray]]:
    """Rows of the questions by held voices, by which checkpoints are chosen, each with its sound."""
    raw = np.memmap(QUESTIONS / "choose.raw", np.int16, "r")
    for line in itertools.islice(open(QUESTIONS / "choose.jsonl"), count):
        row = json.loads(line)
        yield row, raw[row["first"] : row["first"] + row["count"]].astype(np.float32) / 32768
