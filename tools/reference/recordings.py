"""Recorded speech to compare on."""

import subprocess
import wave
from pathlib import Path

import numpy as np

from tools.common.debian import unpacked
from tools.common.places import REFERENCE
from tools.common.sizes import FRAME, FRAMES_PER_SECOND, RATE

RECORDINGS = "asterisk-core-sounds-fr-wav"


def _read_wav(path: Path) -> tuple[np.ndarray, int]:
    """Samples in [-1, 1], channels averaged, and their rate."""
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            raise SystemExit(f"{path}: only 16-bit WAV is read here; convert it with sox")
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64) / 32768
        return samples.reshape(-1, file.getnchannels()).mean(1), file.getframerate()


def _to_24k(samples: np.ndarray, rate: int) -> np.ndarray:
    """Band-limited resampling of a whole clip through its spectrum."""
    length = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples)
    wanted = length // 2 + 1
    spectrum = np.pad(spectrum, (0, max(0, wanted - len(spectrum))))[:wanted]
    return np.fft.irfft(spectrum, length) * length / len(samples)


def _prompts() -> list[Path]:
    """Studio recordings of one speaker (8 kHz), from a Debian package unpacked into the cache."""
    try:
        folder = unpacked(RECORDINGS, REFERENCE, REFERENCE / "downloads")
    except (OSError, subprocess.CalledProcessError, StopIteration):
        raise SystemExit(
            f"no recorded speech: apt cannot get {RECORDINGS}; name a clip with --speech FILE.wav"
        ) from None
    return sorted(folder.glob("usr/share/asterisk/sounds/*/demo-*.wav"))


def recorded_speech(seconds: float, path: str | None) -> np.ndarray:
    """F32 samples at 24 kHz, a whole number of frames, repeated from the start if the clips are short."""
    clips = [_to_24k(*_read_wav(file)) for file in ([Path(path)] if path else _prompts())]
    sound = np.concatenate(clips)
    samples = round(seconds * FRAMES_PER_SECOND) * FRAME
    return np.resize(sound, samples).astype(np.float32)
