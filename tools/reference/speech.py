"""Sound that behaves like speech: voiced syllables with moving formants, breath noise, pauses. No recording."""

import numpy as np

from tools.common.sizes import RATE


def _resonate(signal: np.ndarray, frequency: float, bandwidth: float) -> np.ndarray:
    """A two-pole resonator with unit gain at its frequency."""
    radius = np.exp(-np.pi * bandwidth / RATE)
    angle = 2 * np.pi * frequency / RATE
    a1, a2 = -2 * radius * np.cos(angle), radius * radius
    gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * angle) + a2)
    out = np.zeros_like(signal)
    y1 = y2 = 0.0
    for index, x in enumerate(signal):
        y = gain * x - a1 * y1 - a2 * y2
        out[index] = y
        y1, y2 = y, y1
    return out


def speech(samples: int, seed: int, level: float = 0.3) -> np.ndarray:
    """F32 samples in [-1, 1] at 24 kHz, exact in 16 bits."""
    rng = np.random.default_rng(seed)
    out = np.zeros(samples)
    position = int(rng.integers(600, 1800))
    while position < samples:
        length = int(rng.integers(2400, 6000))
        pitch = rng.uniform(90, 240) * (1 + 0.2 * np.linspace(0, rng.uniform(-1, 1), length))
        phase = np.cumsum(pitch) / RATE
        pulses = np.diff(np.floor(phase), prepend=0.0)
        source = pulses * 40 + rng.standard_normal(length) * (1.5 if rng.random() < 0.3 else 0.15)
        syllable = sum(
            _resonate(source, rng.uniform(*span), width)
            for span, width in (((250, 850), 90), ((900, 2300), 120), ((2300, 3300), 180), ((4000, 7500), 600))
        )
        syllable = syllable * np.sin(np.pi * np.linspace(0, 1, length)) ** 0.7
        end = min(position + length, samples)
        out[position:end] += syllable[: end - position]
        position += length - 600 + (int(rng.integers(1200, 6000)) if rng.random() < 0.4 else 0)
    out = out * level / max(np.abs(out).max(), 1e-9) + 3e-4 * rng.standard_normal(samples)
    return (np.round(np.clip(out, -1, 1) * 32767) / 32768).astype(np.float32)
