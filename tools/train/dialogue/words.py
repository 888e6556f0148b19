"""The text of a conversation: its pieces, when each word is said, and the frames in which it is written."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tools.common.sizes import FRAME
from tools.train.data import skills
from tools.train.data.voices import Hibari
from tools.train.dialogue.model import PADDING, WORD
from tools.train.folders import DIALOGUE

LEAD = 2  # frames that the text of a word stands before its sound


def heard(text: str) -> str:
    """What the user says, as the listener spells it: small letters without punctuation."""
    return " ".join(skills.words(text))


def is_spelled(answer: str) -> bool:
    """Whether it is letters only."""
    return all(len(word) == 1 for word in skills.words(answer))


def answer_sound(teacher: Hibari, text: str, speed: float, seed: int) -> tuple[np.ndarray, list[int]]:
    """An answer as the assistant says it, and the sample at which each word begins."""
    audio, times = teacher.timed(text, speed, seed)
    return audio * min(0.08 / np.sqrt(np.mean(audio**2)), 0.95 / np.abs(audio).max()), times


def load_pieces() -> Any:
    """The SentencePiece model of the text."""
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(DIALOGUE / "tokenizer.model"))


def timed_words(pieces: Any, text: str, times: Sequence[int]) -> list[tuple[int, list[int]]]:
    """The frame at which each word of a text begins, and its pieces; `times` are the teacher's, in samples."""
    parts = text.split()
    if len(times) != len(parts):  # the teacher joins or splits some words: spread them evenly
        times = np.linspace(times[0], times[-1], len(parts)).astype(int).tolist()
    return [(int(time) // FRAME, pieces.encode(part)) for time, part in zip(times, parts)]


def write_words(words: Iterable[tuple[int, list[int]]], at: int, text: np.ndarray) -> None:
    """Writes timed words, whose sound begins at a frame, into a line of text."""
    free = at - LEAD
    for time, tokens in words:
        free = max(free, at + time - LEAD)
        if 0 <= free - 1 < len(text) and text[free - 1] == PADDING:
            text[free - 1] = WORD
        for token in tokens:
            if free < len(text):
                text[free] = token
            free += 1
