"""The final test of the codec, through the program (tools/evaluate-codec): Whisper-base reads what it decodes.

    python -m tools.train.judge.codec_program [--count 50] [--parts speech,parity,signals,semantic,time] [--codec FILE]

speech     WER, STOI, PESQ by group, and the use of the codebooks parity     the training code against the runtime on
a minute of speech: codes, and sound of the same codes signals    what is not speech: is there a burst, or a value
that is not finite? semantic   a small reader of codebook 0 alone spells voices it never heard (reader.safetensors;
reader.py trains one) time       of a frame on one core, by `antiphon bench codec`

Groups `reserved` (Kokoro's reserved voices), `english` (asterisk-core-sounds-en, a real person) and `russian`
(festvox-ru, another, whose texts are known) are for this test alone. Where no text is known, the reference is what
the judge reads in the original. Needs a release build.
"""

import argparse
import json
import pathlib
import re
import tempfile
import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import soundfile
import torch

from tools.common.places import REPOSITORY
from tools.common.program import antiphon
from tools.common.sizes import FRAME, RATE
from tools.train.codec import model
from tools.train.data.corpus import level, recorded_clips, unpacked
from tools.train.data.surroundings import coloured_noise
from tools.train.folders import ROOT
from tools.train.judge.recognisers import JUDGES
from tools.train.judge.scores import Scores, held_out, spread, use
from tools.train.sound import load

DEFAULT = REPOSITORY / "Assets" / "models" / "default" / "codec.safetensors"


class Runtime:
    """The program under test."""

    def __init__(self, codec: str | pathlib.Path) -> None:
        self.codec, self.training = codec, model.load(codec)
        self.delay = self.training.c.delay
        self.scratch = pathlib.Path(tempfile.mkdtemp())

    def run(self, *words: str | pathlib.Path) -> None:
        """Runs the program with this codec."""
        antiphon(*words, "--codec", self.codec, "--overwrite", quiet=True)

    def through(self, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Sound as it comes back, moved by the codec's delay; what was encoded; and the codes [frames, codebooks]."""
        from safetensors.numpy import load_file

        sound, codes, back = (self.scratch / name for name in ("in.wav", "in.codes", "out.wav"))
        frames = -(-(len(audio) + self.delay) // FRAME)
        padded = np.pad(audio, (0, frames * FRAME - len(audio))).astype(np.float32)
        soundfile.write(sound, padded, RATE, "FLOAT")
        self.run("encode", sound, codes)
        self.run("decode", codes, back)
        result = soundfile.read(back, dtype="float32")[0]
        return result[self.delay :][: len(audio)], padded, result, load_file(codes)["codes"].T


def groups(count: int) -> Iterator[tuple[str, str, Iterable[tuple[str, str, pathlib.Path]]]]:
    """(group, language, [(name, text, path)])"""
    for group in ("assistant", "unseen", "recorded"):
        language = "it" if group == "recorded" else "en"
        yield (
            group,
            language,
            [(clip["file"], clip["text"], ROOT / "held-out" / clip["file"]) for clip in held_out(group, count)],
        )
    from tools.train.data.voices import Kokoro
    from tools.train.judge.final_questions import spoken

    # A group that nobody asked for is not said.
    yield (
        "reserved",
        "en",
        (
            (f"final-{n:04d}", item["question"], ROOT / "final" / f"{n:04d}.flac")
            for n, (_, item) in enumerate(spoken(Kokoro(), count))
        ),
    )
    paths = [
        path
        for path in recorded_clips(unpacked("asterisk-core-sounds-en-g722", ROOT / "final"))
        if path.stat().st_size > 16000
    ]  # two seconds
    yield (
        "english",
        "en",
        [(f"asterisk-{path.name}", "", path) for path in spread(paths, count) if path.stem != "tt-monkeys"],
    )  # they scream, and recognisers read whole verses into it
    voice = next(unpacked("festvox-ru", ROOT / "final").rglob("msu_ru_nsh_clunits"))
    # A line is `( ru_0002 "..." )`; a plus marks a stressed vowel.
    lines = re.findall(r'\( (\w+) "(.*)" \)', (voice / "etc" / "txt.done.data").read_text())
    yield (
        "russian",
        "ru",
        [(name, text.replace("+", ""), voice / "wav" / f"{name}.wav") for name, text in spread(lines, count)],
    )


def speech(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Prints a row of scores for each group, and the use of the codebooks."""
    judge = JUDGES[arguments.judge](arguments.threads)
    codes: list[np.ndarray] = []
    for group, language, clips in groups(arguments.count):
        if arguments.groups and group not in arguments.groups.split(",") or language not in judge.languages:
            continue
        scores = Scores(group, judge, language)
        for name, text, path in clips:
            x = level(load(path))
            y, _, _, found = runtime.through(x)
            codes.append(found)
            scores.add(name, "" if arguments.as_read else text, x, y)
        print(json.dumps(scores.row()), flush=True)
    print(json.dumps(use(np.concatenate(codes), runtime.training.c.cardinality)))


def parity(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Prints how far the training code and the program agree."""
    sound = np.concatenate(
        [
            load(ROOT / "held-out" / clip["file"])
            for group in ("assistant", "unseen", "recorded")
            for clip in held_out(group, 8)
        ]
    )[: 60 * RATE]
    codec = runtime.training
    _, padded, result, codes = runtime.through(sound)
    theirs = codec.encode(torch.from_numpy(padded)[None])[0].numpy()
    same = codec.decode(torch.from_numpy(codes.astype(np.int64))[None])[0].numpy()
    count = min(len(same), len(result))
    # The file holds 16 bits: its rounding is not the codec's.
    print(
        f"{len(codes)} frames: {100 * np.mean(theirs == codes):.3f} % of the codes equal, "
        "sound of the same codes differs by at most "
        f"{np.abs(same[:count].clip(-1, 1) - result[:count]).max():.1e} ({1 / 32768:.1e} is the step of the file)"
    )


def signals(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Prints the peaks of what is not speech, before and after."""
    count, chance = 4 * RATE, np.random.default_rng(1)
    at = np.arange(count) / RATE
    speech = np.resize(load(ROOT / "held-out" / held_out("assistant", 1)[0]["file"]), count)
    music = sum(
        np.sin(2 * np.pi * f * at * (1 + np.floor(at) / 12)) / (k + 2) for k, f in enumerate((196, 247, 294, 392))
    )
    signals = {
        "silence": np.zeros(count),
        "hum": 0.1 * np.sin(2 * np.pi * 50 * at),
        "constant": np.full(count, 0.5),
        "clipped speech": np.clip(30 * speech, -1, 1),
        "music": 0.5 * music / np.abs(music).max(),
        "full-scale noise": chance.uniform(-1, 1, count),
        "pink noise": 0.3 * coloured_noise(chance, count),
        "clicks": (chance.random(count) < 1e-4) * 1.0,
        "full-scale square": np.sign(np.sin(2 * np.pi * 440 * at)),
    }
    for name, sound in signals.items():
        y = runtime.through(sound.clip(-1, 1).astype(np.float32))[0]
        before, after = np.abs(sound).max(), np.abs(y).max()
        over = 20 * np.log10(max(after, 1e-9) / max(before, 1e-3))
        print(
            f"  {name:18s} peak {before:.3f} -> {after:.3f} ({over:+.1f} dB), {np.sum(~np.isfinite(y))} not a number"
            + ("" if over <= 3 else "   TOO LOUD")
        )


def semantic(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Prints the errors of the reader of codebook 0."""
    from tools.train.judge import reader

    reader.judge(reader.load(arguments.reader), runtime.codec)


def time(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Prints the time of a frame."""
    print(antiphon("bench", "codec", "--threads", "1", "--flat-out", "--codec", runtime.codec), end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default=str(DEFAULT))
    parser.add_argument("--count", type=int, default=50, help="clips of each group")
    parser.add_argument("--groups", help="of the part `speech`, with commas (all)")
    parser.add_argument(
        "--judge", choices=list(JUDGES), default="whisper", help="who reads; moonshine reads English alone"
    )
    parser.add_argument(
        "--as-read",
        action="store_true",
        help="against what the judge reads in the originals, where texts are known, too",
    )
    parser.add_argument("--parts", default="speech,parity,signals,semantic,time")
    parser.add_argument(
        "--reader", default=str(pathlib.Path(__file__).with_name("reader.safetensors")), help="of the part `semantic`"
    )
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)
    runtime = Runtime(arguments.codec)
    for part in arguments.parts.split(","):
        print(part, flush=True)
        globals()[part](runtime, arguments)


if __name__ == "__main__":
    main()
