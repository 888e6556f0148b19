"""Random training crops from the packed speech, made as varied as real microphones are.

A codec reproduces its input: noise, rooms and band limits go into input and target alike.
"""
import json

import numpy as np
from scipy.signal import fftconvolve, resample

from places import FRAME, RATE, ROOT, WINDOW

SHARES = {"assistant": 0.35, "synthetic": 0.30, "recorded": 0.20, "formant": 0.10, "odd": 0.05}
JUMPING = 0.22  # of the odd ones; not in `odd_signal`, which is the noise that the dialogue model is judged by
SPEEDS = (0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2)


def coloured_noise(chance, count):
    """Noise of RMS 1 whose spectrum falls (or rises) with a random slope."""
    spectrum = np.fft.rfft(chance.standard_normal(count).astype(np.float32))
    hertz = np.arange(len(spectrum)) * RATE / count + 30
    noise = np.fft.irfft(spectrum * hertz ** chance.uniform(-1.2, 0.3), count)
    return (noise / np.sqrt(np.mean(noise ** 2) + 1e-12)).astype(np.float32)


def noisy(chance, audio, decibels):
    """The sound, and noise so many decibels below its loud samples."""
    loud = audio[np.abs(audio) > 1e-3]
    level = np.sqrt(np.mean(loud ** 2)) if len(loud) else 1e-4
    return audio + coloured_noise(chance, len(audio)) * level * 10 ** (-decibels / 20)


def room(chance, audio):
    """A direct sound and a decaying tail of noise, 0.1 to 0.6 s."""
    seconds = chance.uniform(0.1, 0.6)
    count = int(seconds * RATE)
    tail = chance.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail[:int(chance.uniform(0.002, 0.02) * RATE)] = 0
    tail *= chance.uniform(0.1, 0.8) / np.sqrt(np.sum(tail ** 2) + 1e-9)
    tail[0] = 1
    return fftconvolve(audio, tail.astype(np.float32))[:len(audio)].astype(np.float32)


def filtered(audio, gain):
    """The sound with each frequency times `gain(hertz)`."""
    spectrum = np.fft.rfft(audio)
    return np.fft.irfft(spectrum * gain(np.arange(len(spectrum)) * RATE / len(audio)), len(audio)).astype(np.float32)


def band_limit(chance, audio):
    """A microphone or a line: high-pass up to 250 Hz, low-pass from 3.4 kHz, soft edges."""
    low, high = chance.uniform(20, 250), chance.uniform(3400, 11000)
    return filtered(audio, lambda hertz: 1 / (1 + (low / (hertz + 1)) ** 4) / (1 + (hertz / high) ** 16))


def telephone(chance, audio):
    """A telephone's band: nothing below 200 to 400 Hz nor above 3 to 3.8 kHz, edges from soft to sharp."""
    low, high, edge = chance.uniform(200, 400), chance.uniform(3000, 3800), np.exp(chance.uniform(0, 5))
    above = lambda hertz, limit: 1 / (1 + np.exp(-np.clip((hertz - limit) / edge, -30, 30)))
    return filtered(audio, lambda hertz: above(hertz, low) * above(-hertz, -high))


def odd_signal(chance, count):
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
                music[start:start + length] += voice * np.exp(-time[:length] * chance.uniform(2, 8))
        return music / (np.abs(music).max() + 1e-9) * 10 ** chance.uniform(-1.5, 0)
    if kind == 5:
        return np.full(count, chance.uniform(-0.6, 0.6)) + coloured_noise(chance, count) * 1e-3
    clicks = np.zeros(count)
    clicks[chance.integers(0, count, 12)] = chance.uniform(-1, 1, 12)
    return clicks


def jumping_chord(chance, count):
    """Tones that never stop and are somewhere else now and then: another pitch, or the same at another place of the wave."""
    time, notes = np.arange(count) / RATE, np.exp(chance.uniform(np.log(80), np.log(1200), chance.integers(1, 7)))
    jumps = np.cumsum(chance.random(count) < chance.uniform(0.3, 3) / RATE)
    pitch = np.exp(chance.uniform(-0.4, 0.4, jumps[-1] + 1))[jumps]
    place = chance.uniform(0, 1, (jumps[-1] + 1, len(notes)))[jumps].T if chance.random() < 0.5 else np.zeros((len(notes), 1))
    turns = notes[:, None] * (np.cumsum(pitch) / RATE if chance.random() < 0.5 else pitch * time) + place
    chord = chance.uniform(0.1, 1, len(notes)) @ np.sin(2 * np.pi * turns)
    return chord / (np.abs(chord).max() + 1e-9) * 10 ** chance.uniform(-1.5, 0)


class Sampler:
    def __init__(self, frames, shares=SHARES):
        index = json.loads((ROOT / "corpus.json").read_text())
        self.corpus = np.load(ROOT / "corpus.npy", mmap_mode="r")
        self.total = index["frames"]
        self.frames = frames
        self.clips = {}
        for clip in index["clips"]:
            self.clips.setdefault(clip["group"], []).append((clip["first"], clip["frames"]))
        self.clips = {group: np.array(rows) for group, rows in self.clips.items()}
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
                self.known[first:first + WINDOW] = True
            seen = self.features[np.flatnonzero(self.known)[::7]].astype(np.float32)
            self.mean, self.deviation = seen.mean(0), seen.std(0) + 1e-3

    def crop(self, chance, group=None):
        """One crop, of that group or one drawn by the shares: samples [frames * 1920], features [frames, 512] and whether they are known [frames]."""
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
        raw = self.corpus[first * FRAME:first * FRAME + round(count * speed)].astype(np.float32) / 32768
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

    def batch(self, size, seed):
        """`seed` (a tuple of integers) decides everything."""
        chance = np.random.default_rng(seed)
        crops = [self.crop(chance) for _ in range(size)]
        return tuple(np.stack(part) for part in zip(*crops))
