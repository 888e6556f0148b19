"""Whether an answer that was heard is the right one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jiwer

from tools.train.data import skills

ENGLISH = {word: number for number, word in enumerate(skills.NUMBERS)}
# What sounds the same and can be written in two ways.
SAME = {
    "grey": "gray",
    "colour": "color",
    "favourite": "favorite",
    "'s": " is",
    "alright": "all right",
    "antifon": "antiphon",
}


def normal(text: str) -> list[str]:
    """Words, with numbers spelled and letters apart: '4, 7' and 'four seven' are the same answer."""
    text = text.lower()
    for other, one in SAME.items():
        text = text.replace(other, one)
    found = []
    for word in "".join(c if c.isalnum() else " " for c in text).split():
        if word.isdigit():
            found += [skills.NUMBERS[int(word)]] if int(word) <= 20 else [skills.NUMBERS[int(digit)] for digit in word]
        else:
            found.append(word)
    return found


def joined(words: Iterable[str]) -> str:
    """Without the spaces, numbers in digits: Whisper writes 'thirteen, fourteen' as 1314, too."""
    return "".join(str(ENGLISH.get(word, word)) for word in words)


def compared(text: str, heard: str, skill: str) -> list[tuple[str, str]]:
    """A pair to count the wrong words of; none of letters and rows of digits, whose words nobody can tell apart."""
    return [] if skill in ("spell", "digits") else [(" ".join(normal(text)), " ".join(normal(heard)) or "_")]


def word_errors(pairs: Sequence[tuple[str, str]]) -> str:
    """The word error rate of pairs (said, heard), in percent."""
    return f"{100 * jiwer.wer(*map(list, zip(*pairs))):.1f} %"


def agrees(heard: str, item: Mapping[str, Any]) -> bool:
    """Whether the answer's key words are heard, in their order. Spelled words and rows of numbers may be one."""
    words, keys = normal(heard), normal(" ".join(item["keys"]))
    if item["skill"] in ("spell", "digits", "count"):
        return joined(keys) in joined(words)
    place = 0
    for word in words:
        if place < len(keys) and word == keys[place]:
            place += 1
    return place == len(keys)


def plain(text: str) -> str:
    """Words in small letters, one space between them."""
    return " ".join(skills.words(text))
