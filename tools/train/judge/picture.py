"""The card's pictures: a learning curve, and spectrograms.

    python -m tools.train.judge.picture curve LOG OUT.svg
    python -m tools.train.judge.picture spectra ORIGINAL.wav DECODED.wav OUT.png

LOG has the lines that a training wrote to its log, or those that it printed.
"""

import argparse
import ast
import struct
import zlib

import numpy as np

from tools.common.sizes import RATE
from tools.train.sound import load


def curve(log: str, out: str) -> None:
    """Loss parts over steps of a codec or a dialogue model, each drawn in its own colour on a common axis, as SVG."""
    rows = [ast.literal_eval(line) for line in open(log) if line.startswith("{")]
    width, height, left, bottom = 720, 300, 46, 34
    sounds = ("spectral", "phase", "head", "semantic" if "semantic" in rows[0] else "words")
    names, top = (sounds, 1.6) if "spectral" in rows[0] else (("words", "first", "rest", "listen"), 4)
    colours = dict(zip(names, ("#1f77b4", "#d62728", "#2ca02c", "#9467bd")))
    last = rows[-1]["step"]

    def x(step: float) -> float:
        return left + (width - left - 10) * step / last

    def y(value: float) -> float:
        return 10 + (height - bottom - 10) * (1 - min(value, top) / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for tick in np.arange(0, top + 0.01, top / 8):
        parts.append(
            f'<path d="M{left} {y(tick):.1f}H{width - 10}" stroke="#ddd"/>'
            f'<text x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>'
        )
    for tick in range(0, last + 1, max(1, last // 6 // 100 * 100 or 100)):
        parts.append(f'<text x="{x(tick):.1f}" y="{height - 14}" text-anchor="middle">{tick}</text>')
    parts.append(f'<text x="{width - 10}" y="{height - 2}" text-anchor="end">steps</text>')
    for number, (name, colour) in enumerate(colours.items()):
        points = [(x(row["step"]), y(row[name])) for row in rows if row.get(name)]
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            f'<text x="{width - 100}" y="{26 + 16 * number}" fill="{colour}">{name}</text>'
        )
    open(out, "w").write("\n".join(parts) + "\n</svg>\n")


def spectrogram(audio: np.ndarray, seconds: float) -> np.ndarray:
    """[frequency, time] in 0...255, 0 to 8 kHz, 60 dB."""
    window = 1024
    frames = np.lib.stride_tricks.sliding_window_view(audio[: int(seconds * RATE)], window)[::150]
    level = 20 * np.log10(np.abs(np.fft.rfft(frames * np.hanning(window)))[:, :342] + 1e-4)
    return (255 * np.clip((level - level.max() + 60) / 60, 0, 1)).astype(np.uint8).T[::-1]


def spectra(original: str, decoded: str, out: str) -> None:
    """Original above, decoded below, as an 8-bit grey PNG."""
    x, y = load(original), load(decoded)
    seconds = min(len(x), len(y), 4 * RATE) / RATE
    image = [spectrogram(a, seconds) for a in (x, y)]
    image = np.concatenate([image[0], np.full((6, image[0].shape[1]), 255, np.uint8), image[1]])
    image = image // 16 * 16

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    raw = b"".join(b"\0" + row.tobytes() for row in image)
    with open(out, "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(raw, 9))
            + chunk(b"IEND", b"")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run, names in ((curve, ("log", "out")), (spectra, ("original", "decoded", "out"))):
        command = commands.add_parser(run.__name__)
        for name in names:
            command.add_argument(name)
        command.set_defaults(run=run)
    arguments = vars(parser.parse_args())
    arguments.pop("run")(**arguments)


if __name__ == "__main__":
    main()
