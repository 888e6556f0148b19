"""The questions of the final test: reserved voices saying reserved wordings, kept on disk."""

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile

from tools.common.sizes import RATE
from tools.train.data import skills
from tools.train.data.question_clips import trimmed
from tools.train.data.voices import HELD_VOICES, RESERVED_VOICES, Kokoro
from tools.train.folders import ROOT

FOLDER = ROOT / "final"


def asked(index: int, part: str) -> tuple[random.Random, skills.Exchange]:
    """The question of that number: (chance, exchange)."""
    chance = random.Random(f"final {index}")
    item = skills.exchange(chance, part)
    while not item.keys:
        item = skills.exchange(chance, part)
    return chance, item


def spoken(kokoro: Kokoro, count: int, part: str = "reserved") -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """Reserved voices saying reserved wordings (or others in what `part` says); kept on disk."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    voices = sorted(HELD_VOICES if part == "choose" else RESERVED_VOICES)
    for index in range(count):
        path = FOLDER / (f"{index:04d}.flac" if part == "reserved" else f"{part}-{index:04d}.flac")
        chance, item = asked(index, part)
        if not path.exists():
            soundfile.write(path, trimmed(kokoro.say(item.question, chance.choice(voices), 1.0)), RATE)
        yield soundfile.read(path, dtype="float32")[0], dataclasses.asdict(item)
