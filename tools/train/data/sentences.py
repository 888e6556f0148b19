"""Sentences that speakers say: those of Debian's `fortunes` packages."""

import glob
import pathlib
import random
import re


def sentences() -> list[str]:
    """Clean English sentences of 4 to 22 words from the `fortunes` packages, in a fixed shuffled order."""
    found = set()
    for path in sorted(glob.glob("/usr/share/games/fortunes/*.u8")):
        for entry in pathlib.Path(path).read_text(errors="ignore").split("\n%\n"):
            entry = re.split(r"\n\s*--", entry)[0]
            for sentence in re.split(r"(?<=[.!?])\s+", " ".join(entry.split())):
                if re.fullmatch(r"[A-Z][A-Za-z',;: -]+[.!?]", sentence) and 4 <= len(sentence.split()) <= 22:
                    found.add(sentence)
    shuffled = sorted(found)
    random.Random(5).shuffle(shuffled)
    return shuffled
