"""What the assistant can do: questions in many wordings, and the answer to each.

    skills.py list     every wording with the set it belongs to, as a table
    skills.py show     a hundred random exchanges

A wording belongs to one of three sets, for ever: `train`, `choose` (checkpoints are chosen on these) and `reserved` (the
final test; neither training nor choosing ever uses one). In each list below the last wording is reserved and the one before
it is for choosing; wordings.py has more for training. Slots are in braces. A fourth set, `independent` (of independent.py),
was written by somebody who had seen none of the others: how people ask, in known words or not.
"""
import dataclasses
import random
import re
import sys

import independent
import wordings as more
from smalltalk import TOPICS

NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
NAMES = """Maria Peter Anna Thomas Julia David Sarah Michael Emma Daniel Laura Robert Sophie James Linda John Karen Paul
Nancy Mark Lisa Steven Betty Andrew Helen Brian Sandra Kevin Donna George Carol Edward Ruth Jason Sharon Ryan Amy Jacob
Alice Gary Rachel Eric Diana Adam Grace Henry Rose Peggy Oliver Victor Martha Simon Lucy Felix Clara Oscar Nina Martin
Olga Bruno Eva Hugo Ida Leon""".split()
MIXES = {("blue", "yellow"): "green", ("red", "yellow"): "orange", ("red", "blue"): "purple", ("red", "white"): "pink",
         ("black", "white"): "gray", ("red", "green"): "brown", ("blue", "white"): "light blue"}
OPPOSITES = dict(pair.split("/") for pair in """hot/cold big/small fast/slow happy/sad left/right up/down good/bad
old/young long/short high/low light/dark day/night open/closed full/empty hard/soft wet/dry clean/dirty rich/poor
strong/weak early/late easy/difficult near/far inside/outside first/last black/white push/pull start/stop true/false
thick/thin wide/narrow loud/quiet sweet/sour heavy/light love/hate win/lose buy/sell give/take always/never
before/after above/below north/south east/west front/back top/bottom summer/winter right/wrong new/old question/answer
friend/enemy war/peace laugh/cry remember/forget arrive/leave""".split())
SPELLED = """cat dog sun hat cup bed red box car bus pen map key egg ant bee cow pig hen fox ice jam leg arm eye ear
toe lip sea sky day way boy man air oil tea pie cake milk fish bird tree leaf rain snow wind fire gold silver lamp door
wall roof room desk book page word name time year week hand foot head nose face hair road city town farm lake hill ship
boat king ring song drum ball game goat wolf bear lion duck frog star moon rose seed corn rice salt soup bread apple
house horse mouse water green black white table chair train plane""".split()

# The closed vocabulary of "repeat after me".
THINGS = """cat dog bird horse cow fish mouse rabbit lion bear boy girl man woman child teacher doctor king queen farmer
house garden river mountain forest road bridge car train boat table chair window door lamp book letter picture clock
apple orange bread cake cheese soup milk water coffee tea flower tree leaf stone star moon sun cloud rain snow wind fire
school city village street market shop kitchen room bed box bag hat coat shoe ball game song story dream island beach
ship plane bicycle key phone radio piano guitar drum bottle cup plate spoon knife basket ladder hammer rope blanket
pillow mirror candle carpet pencil paper tower castle church station baby uncle sister brother mother father neighbor
captain pilot painter baker dancer singer student soldier farm field valley desert ocean wave storm shadow winter summer
spring morning evening night monkey elephant tiger turtle spider butterfly chicken sheep goat wolf fox bee snake whale
lemon cherry carrot potato tomato onion pepper sugar butter honey egg rice pizza cookie candy window engine wheel bell
camera robot computer machine ticket present feather diamond crown sword shield puppet balloon kite wagon tent""".split()
KINDS = """big small old new red blue green yellow white black happy sad young strong quiet loud fast slow warm cold clean
dirty beautiful little heavy light dark bright soft hard long short tall round sweet funny friendly angry brave clever
hungry thirsty tired lazy lucky proud gentle wild famous strange simple perfect silent empty narrow shiny golden silver
wooden purple orange brown pink gray""".split()
DOES = """sees likes finds wants needs hears follows watches loves remembers draws buys sells carries brings opens paints
breaks cleans holds takes moves pulls pushes hides shows knows keeps makes builds visits leaves meets helps calls
misses touches washes burns fixes teaches feeds cooks guards lifts kicks throws""".split()
PLACES = ["today", "tomorrow", "tonight", "again", "slowly", "quickly", "outside", "inside", "at home", "every day",
          "in the morning", "in the evening", "after lunch", "before dinner", "all the time", "once more", "very often",
          "on Sunday", "in the rain", "in the sun", "near the river", "by the sea", "under the bridge", "behind the house"]

NOT_UNDERSTOOD = "Sorry, I did not *understand* that."

WORDINGS = {
    "name": ["My name is {name}.", "I am {name}.", "I'm {name}.", "Hello, my name is {name}.", "Hi, I am {name}.",
             "People call me {name}.", "You can call me {name}.", "Call me {name}.", "They call me {name}.",
             "Hello, I am {name}.", "Hi, my name is {name}.", "This is {name}.", "The name is {name}.",
             "Please call me {name}.", "Good morning, my name is {name}.", "Hello, this is {name}.",
             "Everybody calls me {name}.", "Hey, I'm {name}."],
    "greet": ["Say hello to {name}.", "Please greet {name}.", "Can you say hello to {name}?", "Greet {name}.",
              "Please say hello to {name}.", "Say hi to {name}.", "Can you greet {name}?", "Could you say hello to {name}?",
              "Will you say hello to {name}?", "Say hello to my friend {name}.", "I want you to say hello to {name}.",
              "Say good morning to {name}."],
    "digits": ["Repeat the numbers {digits}.", "Say {digits}.", "Repeat {digits}.", "Please say {digits}.",
               "Say the numbers {digits}.", "Please repeat {digits}.", "Can you say {digits}?", "Read the numbers {digits}.",
               "Repeat after me, {digits}.", "Can you repeat {digits}?", "Say after me, {digits}.",
               "My number is {digits}."],
    "count": ["Count from {a} to {b}.", "Please count from {a} to {b}.", "Can you count from {a} to {b}?",
              "Count up from {a} to {b}.", "I want you to count from {a} to {b}.", "Could you count from {a} to {b}?",
              "Start at {a} and count to {b}.", "Count the numbers from {a} to {b}.", "Say the numbers from {a} to {b}.",
              "Count for me from {a} to {b}."],
    "after": ["What comes after {a}?", "Which number follows {a}?", "What is the next number after {a}?",
              "Which number comes after {a}?", "What number is after {a}?", "Tell me the number after {a}.",
              "What number comes after {a}?", "What is after {a}?", "Say the number after {a}.", "What follows {a}?",
              "Name the number that comes after {a}.", "Do you know the number after {a}?"],
    "before": ["What comes before {a}?", "Which number is before {a}?", "What is the number before {a}?",
               "Which number comes before {a}?", "What number is before {a}?", "Tell me the number before {a}.",
               "What number comes before {a}?", "What is before {a}?", "Say the number before {a}.",
               "Which number comes just before {a}?", "Name the number that comes before {a}.",
               "Do you know the number before {a}?"],
    "sum": ["What is {a} plus {b}?", "How much is {a} plus {b}?", "{a} plus {b}.", "Add {a} and {b}.",
            "What is the sum of {a} and {b}?", "What do you get when you add {a} and {b}?", "What does {a} plus {b} make?",
            "How much is {a} and {b}?", "Please add {a} and {b}.", "Tell me what {a} plus {b} is.", "Calculate {a} plus {b}.",
            "What is {a} and {b}?", "Can you add {a} and {b}?", "What is {a} added to {b}?"],
    "difference": ["What is {a} minus {b}?", "How much is {a} minus {b}?", "{a} minus {b}.", "Subtract {b} from {a}.",
                   "What do you get when you take {b} from {a}?", "What is {a} take away {b}?",
                   "How much is {a} take away {b}?", "Please subtract {b} from {a}.", "Tell me what {a} minus {b} is.",
                   "Calculate {a} minus {b}.", "Take {b} away from {a}.", "What does {a} minus {b} make?",
                   "Can you subtract {b} from {a}?"],
    "day_after": ["What day comes after {day}?", "Which day follows {day}?", "What is the day after {day}?",
                  "Which day comes after {day}?", "What day is after {day}?", "Tell me the day after {day}.",
                  "What is the next day after {day}?", "What day follows {day}?", "Today is {day}, what day is tomorrow?",
                  "If today is {day}, what is tomorrow?", "Do you know the day after {day}?", "Name the day after {day}."],
    "day_before": ["What day comes before {day}?", "Which day is before {day}?", "What is the day before {day}?",
                   "Which day comes before {day}?", "What day is before {day}?", "Tell me the day before {day}.",
                   "Today is {day}, what day was yesterday?", "If today is {day}, what was yesterday?",
                   "Do you know the day before {day}?", "Name the day before {day}."],
    "month_after": ["What month comes after {month}?", "Which month follows {month}?", "What is the month after {month}?",
                    "Which month comes after {month}?", "What month is after {month}?", "Tell me the month after {month}.",
                    "What is the next month after {month}?", "What month follows {month}?",
                    "Do you know the month after {month}?", "Name the month after {month}."],
    "month_before": ["What month comes before {month}?", "Which month is before {month}?",
                     "What is the month before {month}?", "Which month comes before {month}?", "What month is before {month}?",
                     "Tell me the month before {month}.", "Do you know the month before {month}?",
                     "Name the month before {month}."],
    "mix": ["What color do you get from {x} and {y}?", "What do {x} and {y} make?", "Mix {x} and {y}.",
            "What color do {x} and {y} make?", "What is {x} mixed with {y}?", "If I mix {x} and {y}, what do I get?",
            "What happens when you mix {x} and {y}?", "Which color do {x} and {y} make?", "I mix {x} with {y}.",
            "What color is {x} and {y}?", "Which color comes from mixing {x} and {y}?", "Tell me what {x} and {y} make."],
    "spell": ["Spell {word}.", "Please spell {word}.", "How do you spell {word}?", "Can you spell {word}?",
              "Spell the word {word}.", "Please spell the word {word}.", "How is {word} spelled?",
              "Can you spell the word {word}?", "How do you write {word}?", "Could you spell {word}?",
              "Tell me how to spell {word}.", "What is the spelling of {word}?"],
    "opposite": ["What is the opposite of {word}?", "Tell me the opposite of {word}.",
                 "Which word is the opposite of {word}?", "What's the opposite of {word}?", "Give me the opposite of {word}.",
                 "The opposite of {word}.", "Name the opposite of {word}.", "Say the opposite of {word}.",
                 "What word is the opposite of {word}?", "Can you tell me the opposite of {word}?",
                 "Do you know the opposite of {word}?", "What is the contrary of {word}?"],
    "repeat": ["Repeat after me, {sentence}.", "Please repeat, {sentence}.", "Say after me, {sentence}.",
               "Repeat, {sentence}.", "Repeat this, {sentence}.", "Please say, {sentence}.", "Can you repeat, {sentence}?",
               "Repeat the sentence, {sentence}.", "Repeat these words, {sentence}.", "Please repeat after me, {sentence}."],
    "stop": ["Stop.", "Stop it.", "Please stop.", "Be quiet.", "Stop talking.", "Quiet please.", "Silence.", "Stop now.",
             "Okay, stop.", "Stop please."],
}
# How often each is drawn.
SHARES = {"smalltalk": 30, "name": 5, "greet": 4, "digits": 8, "count": 3, "after": 4, "before": 4, "sum": 8, "difference": 6,
          "day_after": 3, "day_before": 3, "month_after": 3, "month_before": 2, "mix": 3, "spell": 5, "opposite": 6,
          "repeat": 9, "stop": 1.5}
OPENINGS = ["Hey, ", "Okay, ", "So, ", "Well, ", "Hello, ", "Excuse me, ", "Now, ", "Ava, ", "Um, ", "And ", "Listen, ",
            "Alright, ", "Then ", "Ah, ", "Hello Ava, ", "Hey Ava, "]
# Before what begins with one of REQUESTS, and before what begins with one of QUESTIONS.
POLITE = ["Please ", "Can you ", "Could you ", "Would you ", "Will you ", "I want you to ", "I would like you to ", "Now ",
          "Can you please ", "You can ", "Go on and ", "Let me hear you "]
REQUESTS = "say tell count spell repeat greet add subtract mix name give calculate take sing read recite".split()
ASKING = ["Tell me, ", "Please tell me, ", "I have a question, ", "I want to know, ", "Do you know, ", "Let me ask you, ",
          "One more question, ", "I would like to know, "]
QUESTIONS = "what which how who where when is are do does can".split()


@dataclasses.dataclass
class Exchange:
    """A question and its answer; `keys` are the words of the answer that must be heard."""
    skill: str
    wording: str
    question: str
    answer: str
    keys: list


def sets(wordings, others=(), strangers=()):
    """The parts of a list of wordings; `others` (of wordings.py) are for training too, `strangers` are independent.py's."""
    return {"train": [*wordings[:-2], *others], "choose": wordings[-2:-1], "reserved": wordings[-1:], "more": list(others),
            "independent": list(strangers)}


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def finished(skill, wording, question, answer):
    keys = [word for part in re.findall(r"\*(.+?)\*", answer) for word in words(part)]
    return Exchange(skill, wording, question[0].upper() + question[1:], answer.replace("*", ""), keys)


def sentence(chance):
    """A short sentence of the closed vocabulary, 3 to 7 words."""
    thing = lambda: f"the {chance.choice(KINDS)} {chance.choice(THINGS)}" if chance.random() < 0.5 else f"the {chance.choice(THINGS)}"
    shape = chance.random()
    if shape < 0.35:
        return f"{thing()} {chance.choice(DOES)} the {chance.choice(THINGS)}"
    if shape < 0.6:
        return f"the {chance.choice(THINGS)} is {chance.choice(KINDS)}"
    if shape < 0.8:
        return f"{thing()} {chance.choice(DOES)} it {chance.choice(PLACES)}"
    return f"the {chance.choice(KINDS)} {chance.choice(THINGS)}"


def capital(text):
    return text[0].upper() + text[1:]


def drawn(chance, skills=tuple(SHARES)):
    """One of the skills, as often as its share asks."""
    return chance.choices(skills, [SHARES[skill] for skill in skills])[0]


def exchange(chance, part="train", skill=None):
    """A random exchange whose wording is of a set (`more`: of those in wordings.py)."""
    skill = skill or drawn(chance)
    if skill == "smalltalk":
        topic = chance.choice(list(TOPICS))
        answer, wordings = TOPICS[topic]
        wording = chance.choice(sets(wordings, more.TOPICS[topic], independent.TOPICS[topic])[part])
        return finished("smalltalk/" + topic, wording, wording, answer)
    wording = chance.choice(sets(WORDINGS[skill], more.SKILLS[skill], independent.SKILLS[skill])[part])
    fill = lambda **slots: wording.format(**slots)
    number = lambda low, high: chance.randint(low, high)
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
        said = ", ".join(NUMBERS[first:last + 1])
        return finished(skill, wording, fill(a=NUMBERS[first], b=NUMBERS[last]), f"*{capital(said)}*.")
    if skill == "after":
        n = number(0, 19)
        return finished(skill, wording, fill(a=NUMBERS[n]), f"After {NUMBERS[n]} comes *{NUMBERS[n + 1]}*.")
    if skill == "before":
        n = number(1, 20)
        return finished(skill, wording, fill(a=NUMBERS[n]), f"Before {NUMBERS[n]} comes *{NUMBERS[n - 1]}*.")
    if skill == "sum":
        total = number(1, 20)
        a = number(0, total)
        a, b = NUMBERS[a], NUMBERS[total - a]
        return finished(skill, wording, fill(a=a, b=b), f"{capital(a)} plus {b} is *{NUMBERS[total]}*.")
    if skill == "difference":
        whole = number(1, 20)
        part_ = number(0, whole)
        a, b = NUMBERS[whole], NUMBERS[part_]
        return finished(skill, wording, fill(a=a, b=b), f"{capital(a)} minus {b} is *{NUMBERS[whole - part_]}*.")
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


def kept():
    """A pattern of every question that is for choosing or reserved, as plain words."""
    lists = [*WORDINGS.values(), *(wordings for _, wordings in TOPICS.values())]
    plain = lambda wording: " ?.+ ?".join(" ".join(words(part)) for part in re.split(r"{\w+}", wording))
    return re.compile("|".join(plain(wording) for wordings in lists for wording in wordings[-2:]))


KEPT = kept()


def opened(chance, question):
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


def main():
    if sys.argv[1:] == ["show"]:
        chance = random.Random(0)
        for _ in range(100):
            print(exchange(chance))
    else:
        lists = {f"smalltalk/{topic}": wordings for topic, (_, wordings) in TOPICS.items()} | WORDINGS
        others = {f"smalltalk/{topic}": wordings for topic, wordings in more.TOPICS.items()} | more.SKILLS
        for skill, wordings in lists.items():
            parts = sets(wordings, others[skill])
            for part in ("train", "choose", "reserved"):
                for wording in parts[part]:
                    print(skill, part, wording, sep="\t")


if __name__ == "__main__":
    main()
