"""Who speaks: text to sound at 24 kHz. Every speaker has `choose(chance) -> voice` and `say(text, voice, speed)`."""

import functools
import json
import pathlib
import random
import re
import subprocess
import tempfile
from typing import Any, Protocol

import numpy as np

from tools.train.folders import TEACHERS
from tools.train.sound import load

ASSISTANT = "hibari"  # who speaks for the assistant
# Never in training and never for choosing.
RESERVED_VOICES = {"bm_daniel", "af_nova", "am_onyx", "bf_lily"}
# Never in training; checkpoints are chosen by them.
HELD_VOICES = {"am_eric", "bf_emma"}


class Speaker(Protocol):
    """Somebody who says texts."""

    def choose(self, chance: random.Random) -> str:
        """One of the speaker's voices."""
        ...

    def say(self, text: str, voice: str, speed: float) -> np.ndarray:
        """Sound at 24 kHz."""
        ...


class Styles:
    """The style vectors of a voice by the number of phonemes [511, 1, 256], or of a blend
    of two: `af_bella+am_puck*0.4`.
    """

    def __init__(self) -> None:
        self.read: dict[str, np.ndarray] = {}

    def __call__(self, voice: str) -> np.ndarray:
        found = re.fullmatch(r"(\w+)(?:\+(\w+)\*(.+))?", voice)
        if not found:
            raise ValueError(f"{voice} is no voice and no blend of two")
        first, other, part = found.groups()
        if not other:
            return self.file(first)
        return (1 - float(part)) * self.file(first) + float(part) * self.file(other)

    def file(self, voice: str) -> np.ndarray:
        """The style vectors of one voice."""
        if voice not in self.read:
            self.read[voice] = np.fromfile(TEACHERS / "voices" / f"{voice}.bin", np.float32).reshape(-1, 1, 256)
        return self.read[voice]


class Kokoro:
    """Kokoro-82M: phonemes from eSpeak NG, a style vector chosen by their number, 24 kHz out."""

    def __init__(self, threads: int = 1) -> None:
        import espeakng_loader
        from phonemizer.backend import EspeakBackend
        from phonemizer.backend.espeak.wrapper import EspeakWrapper

        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        self.phonemes = {
            language: EspeakBackend(language, preserve_punctuation=True, with_stress=True)
            for language in ("en-us", "en-gb")
        }
        self.vocabulary = json.loads((TEACHERS / "vocab.json").read_text())
        self.threads, self.styles = threads, Styles()
        # Those that were made for other languages speak English too, and are so many more people.
        self.voices = sorted(
            {path.stem for path in (TEACHERS / "voices").glob("*.bin")} - RESERVED_VOICES - HELD_VOICES
        )

    @functools.cached_property
    def session(self) -> Any:
        """The model, loaded when somebody first speaks."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        return onnxruntime.InferenceSession(str(TEACHERS / "kokoro.onnx"), options)

    def choose(self, chance: random.Random) -> str:
        return chance.choice(self.voices)

    def spelt(self, text: str, voice: str) -> list[int]:
        """The numbers of a text's phonemes, as the voice's country says them."""
        language = "en-gb" if voice.startswith("b") else "en-us"
        spelt = self.phonemes[language].phonemize([text], strip=True)[0]
        for theirs, ours in (("ʲ", "j"), ("r", "ɹ"), ("x", "k"), ("ɬ", "l")):
            spelt = spelt.replace(theirs, ours)
        return [self.vocabulary[symbol] for symbol in spelt if symbol in self.vocabulary][:508]

    def say(self, text: str, voice: str, speed: float) -> np.ndarray:
        ids = self.spelt(text, voice)
        values = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "input_ids": np.array([[0, *ids, 0]], np.int64),
            "style": self.styles(voice)[len(ids)],
        }
        feed = {}
        for entry in self.session.get_inputs():
            whole = "int" in entry.type
            feed[entry.name] = values.get(
                entry.name, np.array([round(speed) if whole else speed], np.int32 if whole else np.float32)
            )
        return self.session.run(None, feed)[0].reshape(-1)


class Blend(Kokoro):
    """People who are not there: styles between two of Kokoro's; the accent is the first's."""

    def choose(self, chance: random.Random) -> str:
        return "+".join(chance.sample(self.voices, 2)) + f"*{chance.choice((0.3, 0.4, 0.5, 0.6, 0.7))}"


class Hibari:
    """hibari, a small distilled Kokoro `af_heart`, eighty times faster than its teacher; it also tells when each
    word is said.

    As a person it speaks with a voice like `hibari*1.12`: pitch and formants moved by playing it faster.
    """

    STEP = 600  # samples of a step of its durations

    def __init__(self) -> None:
        import hibari
        import onnx
        import onnxruntime
        from hibari import dsp

        self.voice, self.synthesize = hibari.Hibari(), dsp.synth
        path = TEACHERS / "hibari-with-durations.onnx"
        if not path.exists():
            model = onnx.load(self.voice.model_path)
            # The rounded and clipped durations, which the model computes but does not give.
            rounded = next(node for node in model.graph.node if node.op_type == "Round").output[0]
            clipped = next(node for node in model.graph.node if rounded in node.input).output[0]
            model.graph.output.append(onnx.helper.make_tensor_value_info(clipped, onnx.TensorProto.FLOAT, None))
            onnx.save(model, str(path))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options)

    def timed(self, text: str, speed: float = 1.0, seed: int = 0) -> tuple[np.ndarray, list[int]]:
        """Sound without the silence around it, and the sample at which each phoneme group (word) begins."""
        chance, length = np.random.default_rng(seed), 0
        parts: list[np.ndarray] = []
        times: list[int] = []
        for phonemes in self.voice.phonemize(text):
            ids = self.voice.ids(phonemes)
            *sound, durations = self.session.run(
                None, {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
            )
            audio = self.synthesize(*(part[0] for part in sound), chance)
            starts = np.concatenate([[0], np.cumsum(durations.reshape(-1))]) * self.STEP
            known = [symbol for symbol in phonemes if symbol in self.voice.vocab]
            begin = int(starts[1]) - self.STEP * 2 if not parts else int(starts[1]) - 6 * self.STEP
            begin = max(0, begin)
            # The last symbol is the padding's silence, the one before it mostly punctuation.
            end = min(len(audio), int(starts[-2]) + self.STEP * 2)
            fresh = True
            for place, symbol in enumerate(known):
                if symbol == " ":
                    fresh = True
                elif fresh and symbol.isalpha() or fresh and symbol in "ˈˌ":
                    times.append(length + int(starts[place + 1]) - begin)
                    fresh = False
            parts.append(audio[begin:end])
            length += end - begin
        return np.concatenate(parts), times

    def choose(self, chance: random.Random) -> str:
        return f"hibari*{chance.choice((0.72, 0.78, 0.84, 0.88, 0.92, 0.96, 1.0, 1.04, 1.08, 1.13, 1.18, 1.25))}"

    def say(self, text: str, voice: str, speed: float) -> np.ndarray:
        from scipy.signal import resample

        factor = float(voice.partition("*")[2] or 1)
        audio = self.timed(text, speed / factor, seed=len(text))[0]
        return audio if factor == 1 else resample(audio, round(len(audio) / factor)).astype(np.float32)


class Command:
    """A speaker that is a program writing a sound file."""

    def __init__(self) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.path = str(pathlib.Path(self.scratch.name) / "said.wav")

    def run(self, *command: str) -> np.ndarray:
        """Runs the program; the sound that it wrote."""
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return load(self.path)


class Flite(Command):
    """flite's voices as `flite-NAME`."""

    def choose(self, chance: random.Random) -> str:
        return "flite-" + chance.choice(("slt", "rms", "awb", "kal16"))

    def say(self, text: str, voice: str, speed: float) -> np.ndarray:
        stretch = ("--setf", f"duration_stretch={1 / speed:.2f}") if speed != 1 else ()
        return self.run("flite", "-voice", voice.removeprefix("flite-"), *stretch, "-t", text, "-o", self.path)


class Espeak(Command):
    """eSpeak NG: accents and variants as `espeak-ACCENT+VARIANT-PITCH`."""

    ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp")

    def __init__(self) -> None:
        super().__init__()
        listing = subprocess.run(["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True).stdout
        self.variants = sorted(set(re.findall(r"!v/(\S+)", listing)))

    def choose(self, chance: random.Random) -> str:
        return f"espeak-{chance.choice(self.ACCENTS)}+{chance.choice(self.variants)}/{chance.randint(25, 75)}"

    def say(self, text: str, voice: str, speed: float) -> np.ndarray:
        name, _, pitch = voice.removeprefix("espeak-").partition("/")
        return self.run("espeak-ng", "-v", name, "-s", str(round(160 * speed)), "-p", pitch, "-w", self.path, text)


SPEAKERS: dict[str, type] = {
    "hibari": Hibari,
    "flite": Flite,
    "espeak": Espeak,
    "kokoro": Kokoro,
    "blend": Blend,
}  # who asks
