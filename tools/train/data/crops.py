"""Random training crops from the packed speech, made as varied as real microphones are.

A codec reproduces its input: noise, rooms and band limits go into input and target alike.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.signal import resample

from tools.common.sizes import FRAME
from tools.train.data.surroundings import band_limit, jumping_chord, noisy, odd_signal, room
from tools.train.folders import ROOT, WINDOW

SHARES = {"assistant": 0.35, "synthetic": 0.30, "recorded": 0.20, "formant": 0.10, "odd": 0.05}
JUMPING = 0.22  # of the odd ones; not in `odd_signal`, which is the noise that the dialogue model is judged by
SPEEDS = (0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2)


class Crops:
    """Random crops of `frames` frames; needs what `corpus pack` and, for features, `corpus semantic` wrote."""

    def __init__(self, frames: int, shares: Mapping[str, float] = SHARES) -> None:
        index = json.loads((ROOT / "corpus.json").read_text())
        self.corpus = np.load(ROOT / "corpus.npy", mmap_mode="r")
        self.total = index["frames"]
        self.frames = frames
        clips: dict[str, list[tuple[int, int]]] = {}
        for clip in index["clips"]:
            clips.setdefault(clip["group"], []).append((clip["first"], clip["frames"]))
        self.clips = {group: np.array(rows) for group, rows in clips.items()}
        present = {group: share for group, share in shares.items() if group in self.clips or group == "odd"}
        self.groups = list(present)
        self.shares = np.array(list(present.values())) / sum(present.values())
        self.weights = {group: rows[:, 1] / rows[:, 1].sum() for group, rows in self.clips.items()}
        self.features = None
        try:
            done = json.loads((ROOT / "semantic.done.json").read_text())
        except FileNotFoundError:
            return
        if done["digest"] == index["digest"]:
            self.features = np.load(ROOT / "semantic.npy", mmap_mode="r")
            self.known = np.zeros(self.total, bool)
            for first in done["windows"]:
                self.known[first : first + WINDOW] = True
            seen = self.features[np.flatnonzero(self.known)[::7]].astype(np.float32)
            self.mean, self.deviation = seen.mean(0), seen.std(0) + 1e-3

    def crop(self, chance: np.random.Generator, group: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One crop, of that group or one drawn by the shares: samples [frames * 1920], features [frames, 512] and
        whether they are known [frames].
        """
        count = self.frames * FRAME
        features, known = np.zeros((self.frames, 512), np.float32), np.zeros(self.frames, np.float32)
        group = group or self.groups[chance.choice(len(self.groups), p=self.shares)]
        if group == "odd":
            signal = jumping_chord if chance.random() < JUMPING else odd_signal
            return np.clip(signal(chance, count), -1, 1).astype(np.float32), features, known
        first, length = self.clips[group][chance.choice(len(self.weights[group]), p=self.weights[group])]
        first = min(first + int(chance.integers(length)), self.total - 2 * self.frames)
        calm = group == "assistant"
        speed = chance.choice(SPEEDS) if not calm and chance.random() < 0.35 else 1
        raw = self.corpus[first * FRAME : first * FRAME + round(count * speed)].astype(np.float32) / 32768
        audio = resample(raw, count).astype(np.float32) if speed != 1 else raw
        if self.features is not None:
            place = (np.arange(self.frames) + 0.5) * speed - 0.5
            near = first + np.maximum(place, 0).astype(int)
            part = (place - np.floor(place))[:, None]
            rows = self.features[near] * (1 - part) + self.features[near + 1] * part
            known = (self.known[near] & self.known[near + 1]).astype(np.float32)
            features = ((rows - self.mean) / self.deviation).astype(np.float32) * known[:, None]
        rare = 0.3 if calm else 1
        if chance.random() < 0.15 * rare:
            audio = room(chance, audio)
        decibels = chance.uniform(-7, 3) if calm else chance.uniform(-14, 5)
        audio = audio * 10 ** (decibels / 20)
        if chance.random() < 0.2 * rare:
            audio = noisy(chance, audio, chance.uniform(5, 35))
        if chance.random() < 0.12 * rare:
            audio = band_limit(chance, audio)
        if chance.random() < 0.02 * rare:
            audio = audio * 6
        return np.clip(audio, -1, 1).astype(np.float32), features, known

    def batch(self, size: int, seed: Sequence[int]) -> tuple[np.ndarray, ...]:
        """`seed` (a tuple of integers) decides everything."""
        chance = np.random.default_rng(seed)
        crops = [self.crop(chance) for _ in range(size)]
        return tuple(np.stack(part) for part in zip(*crops))
