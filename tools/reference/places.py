"""Where things are: the cache of large files, our program, recorded speech."""

import json
import os
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "antiphon" / "reference"
PROGRAM = Path(os.environ.get("ANTIPHON", REPOSITORY / ".build" / "release" / "antiphon"))
RECORDINGS = "asterisk-core-sounds-fr-wav"


def antiphon(*arguments: str | Path) -> str:
    """Runs our program and returns what it printed; its failure is ours."""
    if not PROGRAM.exists():
        raise SystemExit(f"{PROGRAM} is missing: run `swift build -c release`, or set ANTIPHON to the program")
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"antiphon {' '.join(map(str, arguments))} ended with {done.returncode}")
    return done.stdout


def antiphon_json(*arguments: str | Path) -> dict:
    return json.loads(antiphon(*arguments, "--json"))


def _read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            raise SystemExit(f"{path}: only 16-bit WAV is read here; convert it with sox")
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64) / 32768
        return samples.reshape(-1, file.getnchannels()).mean(1), file.getframerate()


def _to_24k(samples: np.ndarray, rate: int) -> np.ndarray:
    """Band-limited resampling of a whole clip through its spectrum."""
    length = round(len(samples) * 24_000 / rate)
    spectrum = np.fft.rfft(samples)
    wanted = length // 2 + 1
    spectrum = np.pad(spectrum, (0, max(0, wanted - len(spectrum))))[:wanted]
    return np.fft.irfft(spectrum, length) * length / len(samples)


def _prompts() -> list[Path]:
    """Studio recordings of one speaker (8 kHz), from a Debian package unpacked into the cache."""
    folder = CACHE / RECORDINGS
    if not folder.exists():
        folder.mkdir(parents=True)
        try:
            subprocess.run(["apt-get", "download", RECORDINGS], cwd=folder, check=True, capture_output=True)
            package = next(folder.glob("*.deb"))
            subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
        except (OSError, subprocess.CalledProcessError, StopIteration):
            shutil.rmtree(folder)
            raise SystemExit(f"no recorded speech: apt cannot get {RECORDINGS}; name a clip with --speech FILE.wav")
    return sorted(folder.glob("usr/share/asterisk/sounds/*/demo-*.wav"))


def recorded_speech(seconds: float, path: str | None) -> np.ndarray:
    """F32 samples at 24 kHz, a whole number of 1920-sample frames, repeated from the start if the clips are short."""
    clips = [_to_24k(*_read_wav(file)) for file in ([Path(path)] if path else _prompts())]
    sound = np.concatenate(clips)
    samples = round(seconds * 12.5) * 1920
    return np.resize(sound, samples).astype(np.float32)
