"""What the assistant can do: questions in many wordings, and the answer to each.

    python -m tools.train.data.skills list     every wording with the set it belongs to, as a table
    python -m tools.train.data.skills show     a hundred random exchanges

Wordings stand in texts/skills.tsv and texts/smalltalk.tsv, slots in braces. A wording belongs to one set, for ever:
`train` (`more` is a part of it, by which it was widened), `choose` (checkpoints are chosen on these), `reserved` (the
final test; neither training nor choosing ever uses one) or `independent`: how people ask, in known words or not,
written by somebody who had seen none of the others.
"""

import dataclasses
import random
import re
import sys
from collections.abc import Sequence

from tools.train.data import texts

VOCABULARY = texts.vocabulary()
NUMBERS = VOCABULARY["number"]  # from zero on
DAYS, MONTHS, NAMES, SPELLED = (VOCABULARY[name] for name in ("day", "month", "name", "spelled"))
OPPOSITES = dict(pair.split("=") for pair in VOCABULARY["opposite"])
MIXES = {tuple(colours.split("+")): made for colours, made in (pair.split("=") for pair in VOCABULARY["mix"])}
# The closed vocabulary of "repeat after me".
THINGS, KINDS, DOES, PLACES = (VOCABULARY[name] for name in ("thing", "kind", "does", "place"))
NOT_UNDERSTOOD = "Sorry, I did not *understand* that."
WORDINGS = texts.wordings("skills")  # by skill and set
TOPICS = texts.wordings("smalltalk")  # by topic and set
ANSWERS = texts.answers()  # by topic

# How often each is drawn.
SHARES = {
    "smalltalk": 30,
    "name": 5,
    "greet": 4,
    "digits": 8,
    "count": 3,
    "after": 4,
    "before": 4,
    "sum": 8,
    "difference": 6,
    "day_after": 3,
    "day_before": 3,
    "month_after": 3,
    "month_before": 2,
    "mix": 3,
    "spell": 5,
    "opposite": 6,
    "repeat": 9,
    "stop": 1.5,
}
OPENINGS = [
    "Hey, ",
    "Okay, ",
    "So, ",
    "Well, ",
    "Hello, ",
    "Excuse me, ",
    "Now, ",
    "Ava, ",
    "Um, ",
    "And ",
    "Listen, ",
    "Alright, ",
    "Then ",
    "Ah, ",
    "Hello Ava, ",
    "Hey Ava, ",
]
# Before what begins with one of REQUESTS, and before what begins with one of QUESTIONS.
POLITE = [
    "Please ",
    "Can you ",
    "Could you ",
    "Would you ",
    "Will you ",
    "I want you to ",
    "I would like you to ",
    "Now ",
    "Can you please ",
    "You can ",
    "Go on and ",
    "Let me hear you ",
]
REQUESTS = "say tell count spell repeat greet add subtract mix name give calculate take sing read recite".split()
ASKING = [
    "Tell me, ",
    "Please tell me, ",
    "I have a question, ",
    "I want to know, ",
    "Do you know, ",
    "Let me ask you, ",
    "One more question, ",
    "I would like to know, ",
]
QUESTIONS = "what which how who where when is are do does can".split()


@dataclasses.dataclass
class Exchange:
    """A question and its answer; `keys` are the words of the answer that must be heard."""

    skill: str
    wording: str
    question: str
    answer: str
    keys: list


def words(text: str) -> list[str]:
    """The words of a text in small letters."""
    return re.findall(r"[a-z']+", text.lower())


def finished(skill: str, wording: str, question: str, answer: str) -> Exchange:
    """An exchange, whose key words stand in stars in the answer."""
    keys = [word for part in re.findall(r"\*(.+?)\*", answer) for word in words(part)]
    return Exchange(skill, wording, question[0].upper() + question[1:], answer.replace("*", ""), keys)


def sentence(chance: random.Random) -> str:
    """A short sentence of the closed vocabulary, 3 to 7 words."""

    def thing() -> str:
        return (
            f"the {chance.choice(KINDS)} {chance.choice(THINGS)}"
            if chance.random() < 0.5
            else f"the {chance.choice(THINGS)}"
        )

    shape = chance.random()
    if shape < 0.35:
        return f"{thing()} {chance.choice(DOES)} the {chance.choice(THINGS)}"
    if shape < 0.6:
        return f"the {chance.choice(THINGS)} is {chance.choice(KINDS)}"
    if shape < 0.8:
        return f"{thing()} {chance.choice(DOES)} it {chance.choice(PLACES)}"
    return f"the {chance.choice(KINDS)} {chance.choice(THINGS)}"


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[0].upper() + text[1:]


def drawn(chance: random.Random, skills: Sequence[str] = tuple(SHARES)) -> str:
    """One of the skills, as often as its share asks."""
    return chance.choices(skills, [SHARES[skill] for skill in skills])[0]


def exchange(chance: random.Random, part: str = "train", skill: str | None = None) -> Exchange:
    """A random exchange whose wording is of a set (`more`: of those by which `train` was widened)."""
    skill = skill or drawn(chance)
    if skill == "smalltalk":
        topic = chance.choice(list(TOPICS))
        wording = chance.choice(TOPICS[topic][part])
        return finished("smalltalk/" + topic, wording, wording, ANSWERS[topic])
    wording = chance.choice(WORDINGS[skill][part])

    def fill(**slots: str) -> str:
        return wording.format(**slots)

    def number(low: int, high: int) -> int:
        return chance.randint(low, high)

    if skill in ("name", "greet"):
        name = chance.choice(NAMES)
        answer = f"Nice to meet you, *{name}*." if skill == "name" else f"Hello *{name}*, nice to meet you."
        return finished(skill, wording, fill(name=name), answer)
    if skill == "digits":
        digits = [NUMBERS[number(0, 9)] for _ in range(chance.choices((1, 2, 3, 4), (1, 2, 3, 3))[0])]
        return finished(skill, wording, fill(digits=", ".join(digits)), "*" + capital(", ".join(digits)) + "*.")
    if skill == "count":
        length = chance.choice((2, 3, 3, 4, 4, 5, 5, 6, 8, 10))
        first = number(0, 20 - length)
        if chance.random() < 0.4:
            first = 1
        last = first + length
        said = ", ".join(NUMBERS[first : last + 1])
        return finished(skill, wording, fill(a=NUMBERS[first], b=NUMBERS[last]), f"*{capital(said)}*.")
    if skill == "after":
        n = number(0, 19)
        return finished(skill, wording, fill(a=NUMBERS[n]), f"After {NUMBERS[n]} comes *{NUMBERS[n + 1]}*.")
    if skill == "before":
        n = number(1, 20)
        return finished(skill, wording, fill(a=NUMBERS[n]), f"Before {NUMBERS[n]} comes *{NUMBERS[n - 1]}*.")
    if skill == "sum":
        total = number(1, 20)
        first = number(0, total)
        a, b = NUMBERS[first], NUMBERS[total - first]
        return finished(skill, wording, fill(a=a, b=b), f"{capital(a)} plus {b} is *{NUMBERS[total]}*.")
    if skill == "difference":
        whole = number(1, 20)
        less = number(0, whole)
        a, b = NUMBERS[whole], NUMBERS[less]
        return finished(skill, wording, fill(a=a, b=b), f"{capital(a)} minus {b} is *{NUMBERS[whole - less]}*.")
    if skill.startswith(("day", "month")):
        table = DAYS if skill.startswith("day") else MONTHS
        place, move = number(0, len(table) - 1), 1 if skill.endswith("after") else -1
        other = table[(place + move) % len(table)]
        slot = "day" if table is DAYS else "month"
        link = "After" if move == 1 else "Before"
        return finished(skill, wording, fill(**{slot: table[place]}), f"{link} {table[place]} comes *{other}*.")
    if skill == "mix":
        (x, y), made = chance.choice(list(MIXES.items()))
        if chance.random() < 0.5:
            x, y = y, x
        return finished(skill, wording, fill(x=x, y=y), f"{capital(x)} and {y} make *{made}*.")
    if skill == "spell":
        word = chance.choice(SPELLED)
        return finished(skill, wording, fill(word=word), "*" + ", ".join(word.upper()) + "*.")
    if skill == "opposite":
        word = chance.choice(list(OPPOSITES))
        return finished(skill, wording, fill(word=word), f"The opposite of {word} is *{OPPOSITES[word]}*.")
    if skill == "repeat":
        said = sentence(chance)
        return finished(skill, wording, fill(sentence=said), f"*{capital(said)}*.")
    if skill == "stop":
        return Exchange(skill, wording, wording, "", [])
    raise ValueError(skill)


def kept() -> re.Pattern[str]:
    """A pattern of every question that is for choosing or reserved, as plain words."""

    def plain(wording: str) -> str:
        return " ?.+ ?".join(" ".join(words(part)) for part in re.split(r"{\w+}", wording))

    sets = [*WORDINGS.values(), *TOPICS.values()]
    return re.compile("|".join(plain(wording) for each in sets for wording in each["choose"] + each["reserved"]))


KEPT = kept()


def opened(chance: random.Random, question: str) -> str:
    """Now and then a person begins or ends with something that means nothing, or wraps a request in politeness."""
    asked = question
    if words(question)[0] in REQUESTS and chance.random() < 0.2:
        asked = chance.choice(POLITE) + question[0].lower() + question[1:]
    elif chance.random() < 0.2:
        openings = [*OPENINGS, *ASKING] if words(question)[0] in QUESTIONS else OPENINGS
        asked = chance.choice(openings) + (question if question.startswith("I") else question[0].lower() + question[1:])
    if chance.random() < 0.06 and asked[-1] in ".?" and " please" not in asked.lower():
        asked = asked[:-1] + ", please" + asked[-1]
    return question if asked != question and KEPT.fullmatch(" ".join(words(asked))) else asked


def main() -> None:
    if sys.argv[1:] == ["show"]:
        chance = random.Random(0)
        for _ in range(100):
            print(exchange(chance))
    else:
        named = {f"smalltalk/{topic}": sets for topic, sets in TOPICS.items()} | WORDINGS
        for skill, sets in named.items():
            for part in ("train", "choose", "reserved"):
                for wording in sets[part]:
                    print(skill, part, wording, sep="\t")


if __name__ == "__main__":
    main()
