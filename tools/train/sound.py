"""Reading sound files."""

from pathlib import Path

import numpy as np
import soundfile

from tools.common.sizes import FRAME, RATE


def decode(path: str | Path) -> tuple[np.ndarray, int]:
    """Any sound file that PyAV reads, as mono float at its own rate."""
    import av

    with av.open(str(path), format="g722" if str(path).endswith(".g722") else None) as container:
        blocks = []
        for frame in container.decode(audio=0):
            block = frame.to_ndarray()
            if np.issubdtype(block.dtype, np.integer):
                block = block.astype(np.float32) / np.iinfo(block.dtype).max
            channels = len(frame.layout.channels)
            block = block.reshape(-1, channels).mean(1) if not frame.format.is_planar else block.mean(0)
            blocks.append(block.astype(np.float32))
            rate = frame.sample_rate
    return np.concatenate(blocks), rate


def load(path: str | Path) -> np.ndarray:
    """Any sound file as mono float at 24 kHz."""
    from math import gcd

    from scipy.signal import resample_poly

    try:
        audio, rate = soundfile.read(path, dtype="float32")
        audio = audio.mean(1) if audio.ndim > 1 else audio
    except soundfile.LibsndfileError:
        audio, rate = decode(path)
    if rate != RATE:
        common = gcd(RATE, rate)
        audio = resample_poly(audio, RATE // common, rate // common).astype(np.float32)
    return audio


def frames_of(sound: np.ndarray) -> np.ndarray:
    """The sound, a whole number of frames long."""
    return np.pad(sound, (0, -len(sound) % FRAME))
