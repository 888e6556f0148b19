"""Training speech for the codec: makes it, gathers it, packs it.

    python -m tools.train.data.corpus COMMAND ...

    speak    --voices af_heart:200,am_puck:20 --name NAME    Kokoro says Debian's fortunes
    formant  [--clips 600]                                   flite and eSpeak NG say them
    recorded                                                 real recordings from Debian packages
    pack     [--add DIR ...]                                 everything becomes one array
    semantic                                                 Whisper-base features of that array

Each step can be stopped and resumes when it is run again. Everything lies under $ANTIPHON_TRAIN (default
~/.cache/antiphon/train); teachers under $ANTIPHON_TEACHERS.
"""

import argparse
import csv
import hashlib
import json
import pathlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import soundfile

from tools.common import debian
from tools.common.sizes import FRAME, RATE
from tools.train.data.sentences import sentences
from tools.train.data.voices import ASSISTANT, HELD_VOICES, RESERVED_VOICES, Espeak, Flite, Hibari, Kokoro
from tools.train.folders import ROOT, TEACHERS, WINDOW
from tools.train.sound import load

# The final tests are made of the reserved voices and of the packages asterisk-core-sounds-en-g722 and festvox-ru.
# Held out of training, used for choosing: whole voices, a recorded speaker, and sentences made for it.
HELD_PACKAGES = {"asterisk-core-sounds-it-g722"}
HELD_FOLDERS = {"held"}

# asterisk-core-sounds-es is left out: its speaker is the one of the reserved English set.
PACKAGES = [
    "asterisk-core-sounds-fr-g722",
    "asterisk-core-sounds-it-g722",
    "asterisk-core-sounds-ru-g722",
    "fillets-ng-data-cs",
    "fillets-ng-data-nl",
    "klettres-data",
    "ktuberling-data",
    "tuxpaint-stamps-default",
]


def read_manifest(folder: str | pathlib.Path) -> list[dict[str, str]]:
    """The rows of a folder's manifest; none where there is none yet."""
    path = pathlib.Path(folder) / "manifest.tsv"
    if not path.exists():
        return []
    with open(path) as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Clips:
    """A folder of FLAC clips with its manifest (file, voice, speed, seconds, text), appended to as they are made."""

    def __init__(self, folder: str | pathlib.Path) -> None:
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows = read_manifest(folder)
        self.texts = {row["text"] for row in self.rows}

    def add(self, name: str, voice: str, speed: float, text: str, audio: np.ndarray) -> None:
        """Writes a clip and its row."""
        soundfile.write(self.folder / f"{name}.flac", audio, RATE)
        row = dict(
            file=f"{name}.flac", voice=voice, speed=f"{speed:.2f}", seconds=f"{len(audio) / RATE:.2f}", text=text
        )
        fresh = not self.rows
        self.rows.append(row)
        self.texts.add(text)
        with open(self.folder / "manifest.tsv", "a") as file:
            if fresh:
                file.write("\t".join(row) + "\n")
            file.write("\t".join(row.values()) + "\n")


def said_before(*folders: str | pathlib.Path) -> set[str]:
    """The texts that are already said in some folders."""
    return {row["text"] for folder in folders for row in read_manifest(folder)}


def speak(arguments: argparse.Namespace) -> None:
    """Says sentences nobody has said yet: --voices voice:count,... into ROOT/NAME."""
    clips = Clips(ROOT / arguments.name)
    wanted = [(voice, int(count)) for voice, count in (item.split(":") for item in arguments.voices.split(","))]
    if RESERVED_VOICES & {voice for voice, _ in wanted}:
        raise SystemExit("These voices are reserved for tests: " + ", ".join(sorted(RESERVED_VOICES)))
    have = [row["voice"] for row in clips.rows]
    jobs = [(voice, index) for voice, count in wanted for index in range(have.count(voice), count)]
    random.Random(arguments.seed).shuffle(jobs)
    used = said_before(*arguments.avoid, *ROOT.iterdir())
    texts = [text for text in sentences() if text not in used]
    random.Random(arguments.seed).shuffle(texts)
    kokoro, hibari = Kokoro(arguments.threads), Hibari()
    for (voice, index), text in zip(jobs, texts):
        speed = random.Random(f"{voice} {index}").choice((0.9, 0.95, 1.0, 1.0, 1.05, 1.1))
        speaker = hibari if voice == ASSISTANT else kokoro
        clips.add(f"{voice}_{index:05d}", voice, speed, text, speaker.say(text, voice, speed))


def formant(arguments: argparse.Namespace) -> None:
    """flite's four voices and eSpeak NG's variants; 12 words a clip at most, so that they stay short."""
    clips = Clips(ROOT / "formant")
    flite, espeak = Flite(), Espeak()
    texts = [text for text in sentences() if len(text.split()) <= 12][-arguments.clips :]
    for index, text in list(enumerate(texts))[len(clips.rows) :]:
        chance = random.Random(index)
        speaker = flite if chance.random() < 0.4 else espeak
        voice = speaker.choose(chance)
        clips.add(f"formant_{index:05d}", voice, 1, text, speaker.say(text, voice, 1))


def unpacked(package: str, folder: pathlib.Path) -> pathlib.Path:
    """A Debian package's files in `folder`, downloaded but not installed: where they lie."""
    return debian.unpacked(package, folder, ROOT / "downloads")


def recorded(arguments: argparse.Namespace) -> None:
    """Real recordings from Debian packages."""
    for package in PACKAGES:
        unpacked(package, ROOT / "recorded")


def recorded_clips(package: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """The package's files with a voice in them."""
    for path in sorted((ROOT / "recorded" / package).rglob("*")):
        if path.suffix in (".g722", ".ogg", ".opus", ".wav", ".oga") and not path.is_symlink():
            lower = str(path).lower()
            if "/music/" in lower or "silence" in lower:
                continue
            yield path


def level(audio: np.ndarray) -> np.ndarray | None:
    """Brings the speech to an RMS of 0.08 where it is not silent; peaks at most 0.95."""
    active = audio[np.abs(audio) > 1e-3]
    if len(active) < RATE // 10:
        return None
    audio = audio * (0.08 / np.sqrt(np.mean(active**2)))
    return audio * min(1, 0.95 / np.abs(audio).max())


def group_of(voice: str) -> str:
    """The group that a voice's clips belong to."""
    if voice in ("af_heart", ASSISTANT):
        return "assistant"
    if voice.startswith(("flite", "espeak")):
        return "formant"
    return "synthetic"


def pack(arguments: argparse.Namespace) -> None:
    """All training clips end to end as int16, each starting on a frame; held-out clips as files beside it.

    A folder or package starts on a multiple of 30 s, so that Whisper's features of the others stay valid.
    """
    blocks: list[np.ndarray] = []
    index: list[dict[str, Any]] = []
    held: list[dict[str, str]] = []
    position = 0
    (ROOT / "held-out").mkdir(parents=True, exist_ok=True)

    def put(audio: np.ndarray, group: str, voice: str, name: str, text: str = "") -> None:
        nonlocal position
        audio = level(audio)
        if audio is None:
            return
        frames = -(-len(audio) // FRAME)
        padded = np.zeros(frames * FRAME, np.int16)
        padded[: len(audio)] = np.round(audio * 32767)
        blocks.append(padded)
        index.append(dict(group=group, voice=voice, name=name, first=position, frames=frames))
        position += frames

    def align() -> None:
        nonlocal position
        missing = -position % WINDOW
        blocks.append(np.zeros(missing * FRAME, np.int16))
        position += missing

    def hold(audio: np.ndarray, group: str, voice: str, name: str, text: str = "") -> None:
        audio = level(audio)
        if audio is not None:
            soundfile.write(ROOT / "held-out" / f"{name}.flac", audio, RATE)
            held.append(dict(file=f"{name}.flac", group=group, voice=voice, text=text))

    folders = [pathlib.Path(folder) for folder in arguments.add]
    folders += [path for path in sorted(ROOT.iterdir()) if (path / "manifest.tsv").exists()]
    for folder in folders:
        align()
        for row in read_manifest(folder):
            voice = row["voice"]
            assert voice not in RESERVED_VOICES, voice
            keep = hold if voice in HELD_VOICES or folder.name in HELD_FOLDERS else put
            group = "unseen" if voice in HELD_VOICES else group_of(voice)
            keep(load(folder / row["file"]), group, voice, pathlib.Path(row["file"]).stem, row["text"])
    for package in PACKAGES:
        align()
        for path in recorded_clips(package):
            try:
                audio = load(path)
            except Exception as problem:
                print(f"skipped {path}: {problem}")
                continue
            if package in HELD_PACKAGES:
                if len(audio) > 3 * RATE:
                    hold(audio, "recorded", package, f"it_{path.stem}")
                continue
            put(audio, "recorded", package, path.stem)
    align()
    np.save(ROOT / "corpus.part.npy", np.concatenate(blocks))
    (ROOT / "corpus.part.npy").rename(ROOT / "corpus.npy")  # a training in progress keeps the old one
    digest = hashlib.sha256(json.dumps(index).encode()).hexdigest()[:16]
    (ROOT / "corpus.json").write_text(json.dumps(dict(digest=digest, frames=position, clips=index)))
    (ROOT / "held-out.json").write_text(json.dumps(held, indent=0))
    minutes: dict[str, float] = {}
    for clip in index:
        minutes[clip["group"]] = minutes.get(clip["group"], 0) + clip["frames"] * FRAME / RATE / 60
    print({group: round(value, 1) for group, value in minutes.items()}, f"{len(held)} held out")


def semantic(arguments: argparse.Namespace) -> None:
    """Whisper-base encoder output for the packed array: [frames, 512] f16, four 20 ms steps averaged.

    Each 30 s window is kept by the digest of its samples, so a new pack pays for new speech only.
    """
    from faster_whisper import WhisperModel
    from faster_whisper.feature_extractor import FeatureExtractor
    from scipy.signal import resample_poly

    index = json.loads((ROOT / "corpus.json").read_text())
    corpus = np.load(ROOT / "corpus.npy", mmap_mode="r")
    order = {"assistant": 0, "synthetic": 0, "formant": 1, "recorded": 2}
    rank: dict[int, int] = {}
    for clip in index["clips"]:
        rank.setdefault(clip["first"] // WINDOW, order[clip["group"]])
    kept = ROOT / "semantic"
    kept.mkdir(exist_ok=True)
    model = WhisperModel(
        str(TEACHERS / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=arguments.threads
    )
    extractor = FeatureExtractor()

    def features(window: int) -> np.ndarray:
        samples = np.array(corpus[window * WINDOW * FRAME : (window + 1) * WINDOW * FRAME])
        path = kept / f"{hashlib.sha256(samples.tobytes()).hexdigest()[:20]}.npy"
        if not path.exists():
            mel = extractor(resample_poly(samples.astype(np.float32) / 32768, 2, 3).astype(np.float32))[:, :3000]
            mel = np.pad(mel, ((0, 0), (0, 3000 - mel.shape[1])))
            output = np.array(model.encode(mel)).astype(np.float32)[0]
            np.save(path, output.reshape(WINDOW, 4, 512).mean(1).astype(np.float16))
        return np.load(path)

    windows = sorted(rank, key=lambda window: (rank[window], window))
    if arguments.minutes:
        windows = windows[: round(2 * arguments.minutes)]
    result = np.lib.format.open_memmap(ROOT / "semantic.part.npy", "w+", np.float16, (index["frames"], 512))
    for number, window in enumerate(windows):
        result[window * WINDOW : (window + 1) * WINDOW] = features(window)
        if number % 20 == 19:
            print(f"{number + 1} of {len(windows)} windows", flush=True)
    result.flush()
    (ROOT / "semantic.part.npy").rename(ROOT / "semantic.npy")
    done = dict(digest=index["digest"], windows=[window * WINDOW for window in windows])
    (ROOT / "semantic.done.json").write_text(json.dumps(done))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("speak")
    command.add_argument("--voices", required=True)
    command.add_argument("--name", required=True)
    command.add_argument("--avoid", nargs="*", default=[], help="folders whose sentences are not said again")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=speak)
    command = commands.add_parser("formant")
    command.add_argument("--clips", type=int, default=600)
    command.set_defaults(run=formant)
    commands.add_parser("recorded").set_defaults(run=recorded)
    command = commands.add_parser("pack")
    command.add_argument("--add", nargs="*", default=[], help="more folders with a manifest.tsv")
    command.set_defaults(run=pack)
    command = commands.add_parser("semantic")
    command.add_argument("--minutes", type=float, default=0, help="only so much, the English first; 0 is all")
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=semantic)
    arguments = parser.parse_args()
    ROOT.mkdir(parents=True, exist_ok=True)
    arguments.run(arguments)


if __name__ == "__main__":
    main()
