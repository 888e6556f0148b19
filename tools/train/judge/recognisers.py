"""Speech recognisers that judge: what they read in a sound, as words."""

import ctypes
import pathlib
import re
from collections.abc import Callable
from typing import Protocol

import numpy as np
from num2words import num2words
from scipy.signal import resample_poly

from tools.train.folders import TEACHERS


def words(text: str, language: str = "en") -> list[str]:
    """Lower case, without marks; numbers spelled: a recogniser writes "1" or "one" as it likes. Long ones
    digit by digit.
    """

    def spelled(found: re.Match[str]) -> str:
        digits = found.group()
        parts = [digits] if len(digits) < 3 else digits
        return " " + " ".join(num2words(int(part), lang=language) for part in parts) + " "

    text = re.sub(r"\d+", spelled, text.lower().replace("’", "'"))
    return re.sub(r"[^\w' ]", " ", text).split()


class Recogniser(Protocol):
    """Who reads what is said; what it read in originals is kept in the file `kept`."""

    kept: str
    languages: tuple[str, ...]

    def read(self, audio: np.ndarray, language: str) -> list[str]:
        """The words of a sound at 24 kHz."""
        ...


class Whisper:
    """Whisper-base."""

    kept = "held-out.read.json"
    languages: tuple[str, ...] = ("en", "it", "ru")

    def __init__(self, threads: int) -> None:
        from faster_whisper import WhisperModel

        self.model = WhisperModel(
            str(TEACHERS / "whisper-base"), device="cpu", compute_type="int8", cpu_threads=threads
        )

    def read(self, audio: np.ndarray, language: str) -> list[str]:
        at16 = resample_poly(audio, 2, 3).astype(np.float32)
        segments, _ = self.model.transcribe(at16, language=language, beam_size=1, condition_on_previous_text=False)
        return words(" ".join(segment.text for segment in segments), language)


class Moonshine:
    """A second judge, for English alone: no training here has used it (Moonshine base by `moonshine-cpp`; Jeffries
    et al. 2024).
    """

    kept = "held-out.moonshine.json"
    languages: tuple[str, ...] = ("en",)

    def __init__(self, threads: int) -> None:
        try:
            from moonshine_cpp import moonshine_cpp
        except ImportError:
            raise SystemExit("The second judge is not installed: run tools/train/get-teachers again.") from None
        self.library = moonshine_cpp.moonshine_lib
        folder = pathlib.Path(moonshine_cpp.__file__).parent / "models" / "base-en"
        files = [
            str(folder / name).encode() for name in ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
        ]
        self.model = self.library.moonshine_load_model(*files, moonshine_cpp.MOONSHINE_MODEL_TYPE_BASE)
        if self.model < 0:
            raise SystemExit(f"Moonshine's model in {folder} cannot be read: run tools/train/get-teachers again.")

    def read(self, audio: np.ndarray, language: str) -> list[str]:
        # The package's own `transcribe` does not run (0.1.4): the library is called as it calls it.
        assert language in self.languages, language
        at16, text = resample_poly(audio, 2, 3).astype(np.float32), ctypes.c_char_p()
        problem = self.library.moonshine_transcribe(
            self.model, at16.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), len(at16), ctypes.byref(text)
        )
        assert problem == 0, problem
        heard = (text.value or b"").decode()
        self.library.moonshine_free_text(text)
        return words(heard)


JUDGES: dict[str, Callable[[int], Recogniser]] = {"whisper": Whisper, "moonshine": Moonshine}
