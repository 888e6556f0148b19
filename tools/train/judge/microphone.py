"""The microphone of the tests."""

from collections.abc import Iterable

import numpy as np
from scipy.signal import fftconvolve

from tools.common.sizes import RATE
from tools.train.data.surroundings import filtered, noisy


def microphone(chance: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """A room, noise at 15 dB, and the telephone's band."""
    count = int(0.35 * RATE)
    tail = chance.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail *= 0.35 / np.sqrt((tail**2).sum())
    tail[0] = 1
    audio = fftconvolve(audio, tail)[: len(audio)]
    audio = filtered(noisy(chance, audio, 15), lambda hertz: (hertz > 300) & (hertz < 3400))
    return audio.clip(-1, 1)


def through_microphone(sounds: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Each sound as `microphone` gives it; the same sounds always get the same rooms and noise."""
    chance = np.random.default_rng(5)
    return [microphone(chance, sound).astype(np.float32) for sound in sounds]
