"""Conversations to train on, joined anew for every batch from encoded questions and answers.

Pauses, replies, interruptions and silences are drawn here.
"""

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from tools.train.data import skills
from tools.train.data.question_clips import Row
from tools.train.dialogue.model import PADDING, WORD
from tools.train.dialogue.words import LEAD, load_pieces, write_words
from tools.train.folders import DIALOGUE

# Frames of a reply's delay, and how likely each is.
DELAYS = ((3, 0.25), (4, 0.5), (5, 0.25))
STOP = (3, 4)  # frames from the beginning of an interruption to silence
FACTS = (
    "sum",
    "sum",
    "difference",
    "difference",
    "opposite",
    "after",
    "before",
    "day_after",
    "day_before",
    "month_after",
    "month_before",
    "mix",
)

Span = tuple[int, int, list[int]]  # frames in which the user speaks, and the pieces of what is said
# Text, own and user's codes, the spans that are spelled, and which text is taught.
Sequenced = tuple[np.ndarray, np.ndarray, np.ndarray, list[Span], np.ndarray]


def delay(chance: np.random.Generator) -> int:
    """Frames from the end of a question to the sound of the reply."""
    return int(chance.choice([frames for frames, _ in DELAYS], p=[share for _, share in DELAYS]))


def exchanges(*kinds: str) -> list[skills.Exchange]:
    """So many random exchanges of these kinds that few answers are missing; always the same."""
    chance = random.Random(1)
    return [skills.exchange(chance, skill=chance.choice(kinds) if len(kinds) > 1 else kinds[0]) for _ in range(8000)]


def facts(pieces: Any) -> list[list[tuple[list[int], bool]]]:
    """Answers that follow from their own beginning: (tokens, whether it is what follows) of each word."""
    found = {}
    for item in exchanges(*FACTS):
        words = item.answer.split()
        found[item.answer] = [
            (pieces.encode(word), number >= len(words) - len(item.keys)) for number, word in enumerate(words)
        ]
    return [found[answer] for answer in sorted(found)]


class Conversations:
    """Random conversations of `frames` frames."""

    WEIGHTS = {"hibari": 1.0, "kokoro": 2.2, "blend": 2.2, "flite": 0.8, "espeak": 0.8, "foreign": 1.0, "noise": 1.0}
    # What is not asked at all is drawn so often for each question, however many questions there are.
    UNASKED = {"foreign": 0.012, "noise": 0.028}
    # What the model is worst at is drawn more often than people ask for it.
    HARD = {
        "repeat": 1.6,
        "spell": 1.6,
        "name": 1.6,
        "greet": 1.2,
        "opposite": 1.6,
        "sum": 1.2,
        "smalltalk": 1.3,
        "other": 1.6,
    }
    INTERRUPTED = 0.12
    # How often a recital is what is asked for, or of a skill whose answers are few (and said badly when they are rare),
    # or any answer.
    RECITALS = {"asked": 0.3, "name": 0.06, "greet": 0.05, "spell": 0.12, "digits": 0.05, "count": 0.05, "any": 0.37}

    def __init__(self, frames: int, initial: int) -> None:
        self.frames, self.initial = frames, initial
        self.silence = np.load(DIALOGUE / "silence.npy")
        self.answers, self.items = {}, []
        for path in sorted(DIALOGUE.glob("answers-*.json")):
            codes = np.load(path.with_suffix(".npy"))
            for row in json.loads(path.read_text()):
                self.answers[row["text"]] = (codes[row["first"] : row["first"] + row["frames"]], row["words"])
        for path in sorted([*DIALOGUE.glob("questions-*.json"), *DIALOGUE.glob("others-*.json")]):
            codes = np.load(path.with_suffix(".npy"))
            for row in json.loads(path.read_text()):
                if row["answer"] and row["answer"] not in self.answers:
                    continue  # its part of the answers is not there yet
                self.items.append((codes[row["first"] : row["first"] + row["frames"]], row))
        self.weights = np.cumsum(self.shares([row for _, row in self.items]))
        self.facts, self.said = facts(load_pieces()), [said for said, _ in self.answers.values()]
        self.recited = {
            kind: sorted({item.answer for item in exchanges(kind)} & self.answers.keys())
            for kind in self.RECITALS
            if kind in skills.SHARES
        }
        self.recited["any"] = list(self.answers)

    @classmethod
    def shares(cls, rows: Sequence[Row]) -> np.ndarray:
        """How often each row is drawn; together 1."""
        speakers = np.array([row.get("speaker", "noise") for row in rows])
        weights = np.array(
            [
                cls.WEIGHTS[speaker] * cls.HARD.get(row.get("skill", "").partition("/")[0], 1.0)
                for speaker, row in zip(speakers, rows)
            ]
        )
        asked = weights[~np.isin(speakers, list(cls.UNASKED))].sum()
        for speaker, share in cls.UNASKED.items():
            theirs = speakers == speaker
            weights[theirs] *= share * asked / max(1.0, weights[theirs].sum())
        return weights / weights.sum()

    def drawn(self, chance: np.random.Generator) -> tuple[np.ndarray, Row]:
        """Any item: its codes and its row."""
        return self.items[int(np.searchsorted(self.weights, chance.random()))]

    def reply(self, answer: str, at: int, text: np.ndarray, own: np.ndarray) -> int:
        """Writes an answer, whose sound begins at a frame, into both lines; the frames of its sound."""
        said, words = self.answers[answer]
        count = min(len(said), len(own) - at)
        own[at : at + count] = said[:count]
        write_words(words, at, text)
        return count

    def lesson(self, chance: np.random.Generator) -> Sequenced:
        """As `conversation`, but question follows question and the text of a reply is not spoken: more to understand
        in the same time. The own stream is its initial token throughout, by which the model tells the two apart.
        """
        n = self.frames
        text = np.full(n, PADDING, np.int64)
        user = np.tile(self.silence, (n, 1)).astype(np.int64)
        spelled, place = [], 0
        while place < n:
            codes, row = self.drawn(chance)
            if "begin" not in row:
                first = int(chance.integers(len(codes) // 2))
                sound = codes[first : first + 20][: n - place]
                user[place : place + len(sound)] = sound
                place += len(sound)
                continue
            first = max(0, row["begin"] - int(chance.integers(1, 6)))
            begin, end = place + row["begin"] - first, place + row["end"] - first
            free = end + delay(chance) - LEAD
            if row["answer"]:
                tokens = [WORD, *(token for _, word in self.answers[row["answer"]][1] for token in word)]
                count = max(0, min(len(tokens), n - free + 1))
                text[free - 1 : free - 1 + count] = tokens[:count]
                free += len(tokens)
            if row["heard"] and end + 6 < n:
                spelled.append((begin, end + 6, row["heard"]))
            free = max(free, end + 4) + int(chance.integers(1, 5))
            sound = codes[first : first + free - place][: n - place]
            user[place : place + len(sound)] = sound
            place = free
        return text, np.full((n, self.silence.shape[0]), self.initial), user, spelled, np.ones(n, bool)

    def drill(self, chance: np.random.Generator) -> Sequenced:
        """Facts in text alone, such as sums: only their last words are taught, never when to say such a thing."""
        n = self.frames
        line: list[tuple[int, bool]] = []  # a token, and whether it is taught
        while len(line) < n:
            words = self.facts[int(chance.integers(len(self.facts)))]
            spaced = chance.random() < 0.6
            line += [(PADDING, False), (WORD, False)]
            for number, (tokens, is_last) in enumerate(words):
                gap = int(chance.integers(5)) if spaced and number else 0
                if gap:
                    line += [(PADDING, False)] * (gap - 1) + [(WORD, False)]
                line += [(token, is_last) for token in tokens]
            line += [(PADDING, False)] * int(chance.integers(1, 8))
        text, taught = map(np.array, zip(*line[:n]))
        user = np.tile(self.silence, (n, 1)).astype(np.int64)
        # Whatever the own stream says meanwhile: a lesson's nothing, silence, or any speech.
        own = np.full((n, self.silence.shape[0]), self.initial)
        kind, place = chance.integers(4), 0
        if kind:
            own[:] = self.silence
        while kind > 1 and place < n:
            said = self.said[int(chance.integers(len(self.said)))]
            own[place : place + len(said)] = said[: n - place]
            place += len(said)
        return text, own, user, [], taught

    def recital(self, chance: np.random.Generator) -> Sequenced:
        """Answer after answer, none of them asked for: how to say what the text says. When to say it is not taught."""
        n = self.frames + 60
        text = np.full(n, PADDING, np.int64)
        own, user = (np.tile(self.silence, (n, 1)).astype(np.int64) for _ in range(2))
        place = int(chance.integers(LEAD + 1, 8))
        while place < self.frames:
            kind = chance.choice(list(self.RECITALS), p=list(self.RECITALS.values()))
            answer = self.drawn(chance)[1]["answer"] if kind == "asked" else ""
            texts = self.recited.get(kind) or self.recited["any"]
            place += self.reply(answer or texts[int(chance.integers(len(texts)))], place, text, own)
            place += int(chance.integers(4))
        place = self.frames if chance.random() < 0.5 else 0
        while place < self.frames:
            # What the microphone gives after a question.
            codes, row = self.drawn(chance)
            after = codes[row.get("end", 0) + 2 :][: self.frames - place]
            user[place : place + len(after)] = after
            place += len(after)
        cut = slice(self.frames)
        return text[cut], own[cut], user[cut], [], np.zeros(self.frames, bool)

    def conversation(self, chance: np.random.Generator) -> Sequenced:
        """text [frames], own and user [frames, codebooks], spelled: (first, last, pieces) of each whole question, and
        which text is taught [frames].
        """
        n = self.frames + 60
        text = np.full(n, PADDING, np.int64)
        own = np.tile(self.silence, (n, 1)).astype(np.int64)
        user = np.tile(self.silence, (n, 1)).astype(np.int64)
        spelled, place, reply = [], int(chance.integers(0, 4)), None
        while place < self.frames:
            codes, row = self.drawn(chance)
            first = 0
            speaks = "begin" in row
            if reply and speaks and reply[1] - reply[0] > 9 and chance.random() < self.INTERRUPTED:
                # The person talks into the reply.
                start = int(chance.integers(reply[0] + 4, reply[1] - 3))
                first = max(0, row["begin"] - 2)
                place = start
                stop = place + row["begin"] - first + int(chance.integers(STOP[0], STOP[1] + 1))
                if stop < n:
                    own[stop : reply[2]] = self.silence
                    text[max(stop - LEAD, 0) : reply[2]] = PADDING
            codes = codes[first:]
            length = min(len(codes), n - place)
            user[place : place + length] = codes[:length]
            if not speaks:
                place, reply = place + length, None
                continue
            begin, end = place + row["begin"] - first, place + row["end"] - first
            if row["heard"] and end + 6 < self.frames:
                spelled.append((begin, end + 6, row["heard"]))
            reply = None
            if row["answer"]:
                at = end + delay(chance)
                if at < n:
                    count = self.reply(row["answer"], at, text, own)
                    reply = (at, at + count - 4, at + count)
                    # The sound goes on at least until the reply is over.
                    place = max(place + length, at + count)
                    continue
            place += length
        return text[: self.frames], own[: self.frames], user[: self.frames], spelled, np.ones(self.frames, bool)

    def batch(
        self, size: int, seed: Sequence[int], lessons: float = 0.0, drills: float = 0.0, recitals: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[list[Span]], np.ndarray]:
        """Text, own, user, and which text is taught, each [size, frames, ...]; then what is spelled, and which
        sequences' own codes are taught [size]. Shares of lessons, drills and recitals, the others conversations.
        """
        chance = np.random.default_rng(seed)
        makers = (self.lesson, self.drill, self.recital, self.conversation)  # the last two are spoken
        kinds = chance.choice(4, size, p=(lessons, drills, recitals, 1 - lessons - drills - recitals))
        parts = [makers[kind](chance) for kind in kinds]
        return (
            *(np.stack([part[number] for part in parts]) for number in (0, 1, 2, 4)),
            [part[3] for part in parts],
            kinds >= 2,
        )
