"""Reads the tables of texts/: wordings by set, answers, and lists of words.

Tables are tab-separated with a line of names; order matters, since everything is drawn by seeded chance.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).with_name("texts")
SETS = ("train", "more", "choose", "reserved", "independent")
Wordings = dict[str, list[str]]  # by set


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table, without its line of names."""
    with open(FOLDER / f"{name}.tsv", encoding="utf-8", newline="") as file:
        table = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(table)
        yield from table


def wordings(name: str) -> dict[str, Wordings]:
    """The wordings of every skill or topic by their set. What is in `more` is in `train` as well, behind the others."""
    found: dict[str, Wordings] = {}
    for key, part, wording in rows(name):
        if part not in SETS:
            raise ValueError(f"{FOLDER / name}.tsv: there is no set {part}; there are {', '.join(SETS)}")
        sets = found.setdefault(key, {each: [] for each in SETS})
        sets[part].append(wording)
        if part == "more":
            sets["train"].append(wording)
    return found


def answers() -> dict[str, str]:
    """What is answered to each topic of small talk; the words in *stars* are those that a judge must hear."""
    return {topic: answer for topic, answer in rows("smalltalk-answers")}


def vocabulary() -> dict[str, list[str]]:
    """The lists of words by name."""
    found: dict[str, list[str]] = {}
    for name, word in rows("vocabulary"):
        found.setdefault(name, []).append(word)
    return found
