"""What rooms, noise, telephones and microphones make of a sound, and sounds that are not speech."""

from collections.abc import Callable

import numpy as np
from scipy.signal import fftconvolve

from tools.common.sizes import RATE


def coloured_noise(chance: np.random.Generator, count: int) -> np.ndarray:
    """Noise of RMS 1 whose spectrum falls (or rises) with a random slope."""
    spectrum = np.fft.rfft(chance.standard_normal(count).astype(np.float32))
    hertz = np.arange(len(spectrum)) * RATE / count + 30
    noise = np.fft.irfft(spectrum * hertz ** chance.uniform(-1.2, 0.3), count)
    return (noise / np.sqrt(np.mean(noise**2) + 1e-12)).astype(np.float32)


def noisy(chance: np.random.Generator, audio: np.ndarray, decibels: float) -> np.ndarray:
    """The sound, and noise so many decibels below its loud samples."""
    loud = audio[np.abs(audio) > 1e-3]
    level = np.sqrt(np.mean(loud**2)) if len(loud) else 1e-4
    return audio + coloured_noise(chance, len(audio)) * level * 10 ** (-decibels / 20)


def room(chance: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """A direct sound and a decaying tail of noise, 0.1 to 0.6 s."""
    seconds = chance.uniform(0.1, 0.6)
    count = int(seconds * RATE)
    tail = chance.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail[: int(chance.uniform(0.002, 0.02) * RATE)] = 0
    tail *= chance.uniform(0.1, 0.8) / np.sqrt(np.sum(tail**2) + 1e-9)
    tail[0] = 1
    return fftconvolve(audio, tail.astype(np.float32))[: len(audio)].astype(np.float32)


def filtered(audio: np.ndarray, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The sound with each frequency times `gain(hertz)`."""
    spectrum = np.fft.rfft(audio)
    return np.fft.irfft(spectrum * gain(np.arange(len(spectrum)) * RATE / len(audio)), len(audio)).astype(np.float32)


def band_limit(chance: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """A microphone or a line: high-pass up to 250 Hz, low-pass from 3.4 kHz, soft edges."""
    low, high = chance.uniform(20, 250), chance.uniform(3400, 11000)
    return filtered(audio, lambda hertz: 1 / (1 + (low / (hertz + 1)) ** 4) / (1 + (hertz / high) ** 16))


def telephone(chance: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """A telephone's band: nothing below 200 to 400 Hz nor above 3 to 3.8 kHz, edges from soft to sharp."""
    low, high, edge = chance.uniform(200, 400), chance.uniform(3000, 3800), np.exp(chance.uniform(0, 5))

    def above(hertz: np.ndarray, limit: float) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip((hertz - limit) / edge, -30, 30)))

    return filtered(audio, lambda hertz: above(hertz, low) * above(-hertz, -high))


def odd_signal(chance: np.random.Generator, count: int) -> np.ndarray:
    """What is not speech: silence, noise, tones, hum, chords, direct current, clicks."""
    time = np.arange(count) / RATE
    kind = chance.integers(7)
    if kind == 0:
        return coloured_noise(chance, count) * 10 ** chance.uniform(-5, -2.5)
    if kind == 1:
        return coloured_noise(chance, count) * 10 ** chance.uniform(-2, -0.5)
    if kind == 2:
        hertz = chance.uniform(50, 4000) * np.exp(time * chance.uniform(-0.7, 0.7))
        return np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * 10 ** chance.uniform(-2, 0)
    if kind == 3:
        base = chance.choice((50, 60))
        hum = sum(np.sin(2 * np.pi * base * n * time + chance.uniform(0, 6)) / n for n in (1, 2, 3, 4, 5, 7))
        return hum * 10 ** chance.uniform(-2.5, -0.8)
    if kind == 4:
        music = np.zeros(count)
        for start in range(0, count, int(chance.uniform(0.15, 0.5) * RATE)):
            length = min(count - start, RATE)
            for note in chance.integers(40, 84, chance.integers(1, 5)):
                tone = 440 * 2 ** ((note - 69) / 12) * 2 * np.pi * time[:length]
                voice = sum(np.sin(n * tone) / n ** chance.uniform(1, 2) for n in range(1, 6))
                music[start : start + length] += voice * np.exp(-time[:length] * chance.uniform(2, 8))
        return music / (np.abs(music).max() + 1e-9) * 10 ** chance.uniform(-1.5, 0)
    if kind == 5:
        return np.full(count, chance.uniform(-0.6, 0.6)) + coloured_noise(chance, count) * 1e-3
    clicks = np.zeros(count)
    clicks[chance.integers(0, count, 12)] = chance.uniform(-1, 1, 12)
    return clicks


def jumping_chord(chance: np.random.Generator, count: int) -> np.ndarray:
    """Tones that never stop and are somewhere else now and then: another pitch, or the same at another place
    of the wave.
    """
    time, notes = np.arange(count) / RATE, np.exp(chance.uniform(np.log(80), np.log(1200), chance.integers(1, 7)))
    jumps = np.cumsum(chance.random(count) < chance.uniform(0.3, 3) / RATE)
    pitch = np.exp(chance.uniform(-0.4, 0.4, jumps[-1] + 1))[jumps]
    place = (
        chance.uniform(0, 1, (jumps[-1] + 1, len(notes)))[jumps].T
        if chance.random() < 0.5
        else np.zeros((len(notes), 1))
    )
    turns = notes[:, None] * (np.cumsum(pitch) / RATE if chance.random() < 0.5 else pitch * time) + place
    chord = chance.uniform(0.1, 1, len(notes)) @ np.sin(2 * np.pi * turns)
    return chord / (np.abs(chord).max() + 1e-9) * 10 ** chance.uniform(-1.5, 0)


def paused(chance: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """The clip with a pause where it is quietest in its middle."""
    from scipy.ndimage import uniform_filter1d

    size = RATE // 50
    loud = uniform_filter1d(np.abs(audio), 3 * size, mode="constant")
    low, high = int(0.25 * len(audio)), int(0.8 * len(audio))
    place = low + int(np.argmin(loud[low:high]))
    fade = np.linspace(1, 0, size, dtype=np.float32)
    head, tail = audio[:place].copy(), audio[place:].copy()
    head[-size:] *= fade[-len(head[-size:]) :]
    tail[:size] *= fade[::-1][: len(tail[:size])]
    return np.concatenate([head, np.zeros(int(chance.uniform(0.2, 0.9) * RATE), np.float32), tail])


def surroundings(chance: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """The sound as a microphone would give it: level, room, noise, band limits; in a fifth it is a line that is quite
    silent, in a third a telephone in a noisy room.
    """
    draw = chance.random()
    audio = audio * 10 ** (chance.uniform(-10, 4) / 20)
    if draw < 0.2:
        return audio
    if draw < 0.53:
        return np.clip(telephone(chance, noisy(chance, room(chance, audio), chance.uniform(8, 25))), -1, 1)
    if chance.random() < 0.4:
        audio = room(chance, audio)
    if chance.random() < 0.8:
        audio = noisy(chance, audio, chance.uniform(12, 45))
    band = chance.random()
    if band < 0.35:
        audio = telephone(chance, audio)
    elif band < 0.5:
        audio = band_limit(chance, audio)
    return np.clip(audio, -1, 1)
