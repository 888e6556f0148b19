"""From spoken questions to what the dialogue model trains on: codes, texts and times.

    dialogue_data.py tokenizer                 SentencePiece pieces of everything that is asked and answered
    dialogue_data.py encode --part K --of N    questions in rooms and noise, answers by the assistant, and what is not speech

`encode` may run as several processes at once, each writing its own share; all of it lies in $ANTIPHON_TRAIN/dialogue. Run
again after more was said, it adds what is new.
`Sampler` joins the pieces anew for every batch: pauses, replies, interruptions and silences are drawn there.
"""
import argparse
import itertools
import json
import os
import random
import re

import numpy as np
import torch

import skills
from dialogue import PADDING, WORD
from places import FRAME, RATE, ROOT
from sampler import band_limit, coloured_noise, noisy, odd_signal, room, telephone
from voices import SPEAKERS, Hibari

FOLDER = ROOT / "dialogue"
QUESTIONS = ROOT / "questions"
PIECES = 1000
BEFORE = 8      # frames of silence that the codec hears before an answer
LEAD = 2        # frames that the text of a word stands before its sound
# Frames of a reply's delay, and how likely each is.
DELAYS = ((3, 0.25), (4, 0.5), (5, 0.25))
STOP = (3, 4)   # frames from the beginning of an interruption to silence
LETTERS = 0.8   # speed of a spelled word: through the codec Whisper reads 86 % of them at 0.8, 77 % at 1.0
# What `encode --recited` draws answers of; most sentences to repeat are never asked for in training.
RECITED = (*["repeat"] * 8, "digits", "spell", "name", "greet", "opposite")
FACTS = ("sum", "sum", "difference", "difference", "opposite", "after", "before", "day_after", "day_before", "month_after",
         "month_before", "mix")


def questions():
    """Rows of all training clips, each with who speaks and the file it lies in."""
    for path in sorted(QUESTIONS.glob("*.jsonl")):
        speaker = re.match(r"\w*", path.stem)[0]
        if speaker in SPEAKERS:
            for line in open(path):
                yield json.loads(line) | dict(speaker=speaker, file=path.stem)


def planned():
    """Rows of what is to be said on a GPU, each with the plan it stands in."""
    for path in sorted(QUESTIONS.glob("*.plan")):
        for line in open(path):
            yield json.loads(line) | dict(plan=path.stem)


def held(count=None):
    """Rows of the questions by held voices, by which checkpoints are chosen, each with its sound."""
    raw = np.memmap(QUESTIONS / "choose.raw", np.int16, "r")
    for line in itertools.islice(open(QUESTIONS / "choose.jsonl"), count):
        row = json.loads(line)
        yield row, raw[row["first"]:row["first"] + row["count"]].astype(np.float32) / 32768


def heard(text):
    """What the user says, as the listener spells it: small letters without punctuation."""
    return " ".join(skills.words(text))


def is_spelled(answer):
    """Whether it is letters only."""
    return all(len(word) == 1 for word in skills.words(answer))


def answer_sound(teacher, text, speed, seed):
    """An answer as the assistant says it, and the sample at which each word begins."""
    audio, times = teacher.timed(text, speed, seed)
    return audio * min(0.08 / np.sqrt(np.mean(audio ** 2)), 0.95 / np.abs(audio).max()), times


def tokenizer(arguments):
    import sentencepiece
    FOLDER.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1)
    with open(FOLDER / "text.txt", "w") as file:
        for _ in range(60000):
            item = skills.exchange(chance)
            file.write(f"{item.answer}\n{heard(item.question)}\n" if item.answer else f"{heard(item.question)}\n")
        for row in questions():
            file.write(f"{row['answer']}\n{heard(row['text'])}\n")
    # The model keeps the names it was trained with: relative ones, so that no machine's folders ship.
    os.chdir(FOLDER)
    sentencepiece.SentencePieceTrainer.train(
        input="text.txt", model_prefix="tokenizer", vocab_size=PIECES, model_type="unigram",
        character_coverage=1.0, pad_id=PADDING, unk_id=WORD, bos_id=1, eos_id=2, input_sentence_size=200000,
        shuffle_input_sentence=True, num_threads=1, minloglevel=1)


def reader():
    import sentencepiece
    return sentencepiece.SentencePieceProcessor(model_file=str(FOLDER / "tokenizer.model"))


def paused(chance, audio):
    """The clip with a pause where it is quietest in its middle."""
    from scipy.ndimage import uniform_filter1d
    size = RATE // 50
    loud = uniform_filter1d(np.abs(audio), 3 * size, mode="constant")
    low, high = int(0.25 * len(audio)), int(0.8 * len(audio))
    place = low + int(np.argmin(loud[low:high]))
    fade = np.linspace(1, 0, size, dtype=np.float32)
    head, tail = audio[:place].copy(), audio[place:].copy()
    head[-size:] *= fade[-len(head[-size:]):]
    tail[:size] *= fade[::-1][:len(tail[:size])]
    return np.concatenate([head, np.zeros(int(chance.uniform(0.2, 0.9) * RATE), np.float32), tail])


def surroundings(chance, audio):
    """The sound as a microphone would give it: level, room, noise, band limits; in a fifth it is a line that is quite silent, in
    a third a telephone in a noisy room.
    """
    draw = chance.random()
    audio = audio * 10 ** (chance.uniform(-10, 4) / 20)
    if draw < 0.2:
        return audio
    if draw < 0.53:
        return np.clip(telephone(chance, noisy(chance, room(chance, audio), chance.uniform(8, 25))), -1, 1)
    if chance.random() < 0.4:
        audio = room(chance, audio)
    if chance.random() < 0.8:
        audio = noisy(chance, audio, chance.uniform(12, 45))
    band = chance.random()
    if band < 0.35:
        audio = telephone(chance, audio)
    elif band < 0.5:
        audio = band_limit(chance, audio)
    return np.clip(audio, -1, 1)


def timed_words(pieces, text, times):
    """The frame at which each word of a text begins, and its pieces; `times` are the teacher's, in samples."""
    parts = text.split()
    if len(times) != len(parts):  # the teacher joins or splits some words: spread them evenly
        times = np.linspace(times[0], times[-1], len(parts)).astype(int).tolist()
    return [(int(time) // FRAME, pieces.encode(part)) for time, part in zip(times, parts)]


def write_words(words, at, text):
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


def side_by_side(sounds):
    """Sounds of any lengths as lines of one tensor, each with silence behind it."""
    lines = torch.zeros(len(sounds), max(map(len, sounds)))
    for line, sound in zip(lines, sounds):
        line[:len(sound)] = torch.from_numpy(np.ascontiguousarray(sound, np.float32))
    return lines


class Encoder:
    def __init__(self, path, half=False, device="cpu"):
        import codec
        torch.backends.cudnn.allow_tf32 = False  # codes shall be those that a CPU gives
        self.codec, self.device = codec.load(path).to(device), device
        self.codec.half = half

    def __call__(self, sounds):
        """Sounds of any lengths (multiples of a frame), or a tensor of some of one length -> codes [frames, codebooks] each."""
        batch = sounds if torch.is_tensor(sounds) else side_by_side(sounds)
        codes = self.codec.encode(batch.to(self.device)).cpu().numpy().astype(np.int16)
        return [codes[row, :len(sound) // FRAME] for row, sound in enumerate(sounds)]


class Shelf:
    """Codes of many clips end to end, with a line for each; goes on from what an earlier run saved."""

    def __init__(self, name):
        self.name, self.codes, self.rows = name, [], []
        if (FOLDER / f"{name}.json").exists():
            self.rows, self.codes = json.loads((FOLDER / f"{name}.json").read_text()), [np.load(FOLDER / f"{name}.npy")]
        self.length = sum(row["frames"] for row in self.rows)

    def add(self, codes, **row):
        self.codes.append(codes)
        self.rows.append(dict(first=self.length, frames=len(codes)) | row)
        self.length += len(codes)

    def save(self):
        if not self.rows:
            return self
        self.codes = [np.concatenate(self.codes)]
        np.save(FOLDER / f"{self.name}.npy", self.codes[0])
        (FOLDER / f"{self.name}.json").write_text(json.dumps(self.rows))
        return self


def delay(chance):
    """Frames from the end of a question to the sound of the reply."""
    return int(chance.choice([frames for frames, _ in DELAYS], p=[share for _, share in DELAYS]))


def frames_of(sound):
    return np.pad(sound, (0, -len(sound) % FRAME))


class Encoding:
    """One process of `encode`: its share of the answers, of the questions, and of what is neither."""

    def __init__(self, arguments):
        torch.set_num_threads(1)
        self.arguments = arguments
        self.encoders = [Encoder(path, arguments.half, arguments.device) for path in arguments.codec]
        self.encoder, self.pieces, self.rows = self.encoders[0], reader(), list(questions())
        self.chance = np.random.default_rng((arguments.seed, arguments.part))

    def mine(self, number):
        return number % self.arguments.of == self.arguments.part

    def shelf(self, name):
        return Shelf(f"{name}-{self.arguments.part}")

    def answers(self):
        """Sound, codes, and the frame at which each word begins, of every answer that has none yet."""
        shelf = self.shelf("answers")
        chance = random.Random(self.arguments.seed)
        texts = {row["answer"] for row in itertools.chain(self.rows, planned()) if row["answer"]}
        for _ in range(self.arguments.recited):
            texts.add(skills.exchange(chance, skill=chance.choice(RECITED)).answer)
        there = {row["text"] for path in FOLDER.glob("answers-*.json") for row in json.loads(path.read_text())}
        jobs = sorted((text for number, text in enumerate(sorted(texts)) if self.mine(number) and text not in there), key=len)
        hibari = Hibari() if jobs else None
        for first in range(0, len(jobs), 16):
            takes = [self.take(hibari, text) for text in jobs[first:first + 16]]
            for (_, words), codes, text in zip(takes, self.encoder([sound for sound, _ in takes]), jobs[first:first + 16]):
                shelf.add(codes[BEFORE:], text=text, words=words)
        return shelf.save()

    def take(self, teacher, text):
        """An answer's sound after `BEFORE` frames of silence, and its timed words. Every answer has one take, from the beginning
        of a frame and at one speed: nothing but its text decides its codes.
        """
        audio, times = answer_sound(teacher, text, LETTERS if is_spelled(text) else 1.0, 0)
        sound = np.concatenate([np.zeros(BEFORE * FRAME), frames_of(audio), np.zeros(5 * FRAME)])
        return sound, timed_words(self.pieces, text, times)

    def questions(self):
        """Every question in its surroundings, several times, long enough for the reply."""
        arguments, shelf = self.arguments, self.shelf("questions")
        there = {tuple(row["clip"]) for path in FOLDER.glob("questions-*.json") for row in json.loads(path.read_text())}
        # Of the best and slowest teacher more takes.
        takes = lambda row: arguments.kokoro_takes if row["speaker"] in ("kokoro", "blend") else arguments.takes
        jobs = [row | dict(take=take) for number, row in enumerate(self.rows) if self.mine(number)
                for take in range(takes(row)) if (row["file"], row["first"], take) not in there]
        random.Random(arguments.part).shuffle(jobs)
        heard = Surrounded(self, sorted(jobs[:arguments.most], key=lambda row: row["count"]), 64 if arguments.loaders else 16)
        for number, (sounds, rows) in enumerate(torch.utils.data.DataLoader(heard, batch_size=None, num_workers=arguments.loaders,
                                                                            collate_fn=lambda some: some)):
            for encoder in self.encoders:
                for codes, row in zip(encoder(sounds), rows):
                    shelf.add(codes[:row["frames"]], **row)
            if number % 100 == 99:
                print(f"{len(shelf.rows)} questions", flush=True)
        return shelf.save()

    def question(self, chance, row, audio):
        """Its sound, a whole number of frames, and what is known of it."""
        from scipy.signal import resample
        if row["take"] > 0 and chance.random() < 0.6:
            audio = resample(audio, round(len(audio) * chance.uniform(0.82, 1.2))).astype(np.float32)
        # Most questions end in silence at once; a pause inside must not be taken for the end.
        if len(audio) > 1.2 * RATE and chance.random() < 0.45:
            audio = paused(chance, audio)
        lead = int(chance.integers(5, 15)) * FRAME + int(chance.integers(FRAME))
        reply = len(row["answer"]) / 14 * 1.15 + 1.0
        # What a lesson needs is shorter than a reply that is spoken.
        tail = int((reply if row["take"] == 0 or chance.random() < 0.3 else 0.6) * RATE + chance.uniform(0.2, 1.2) * RATE)
        sound = frames_of(np.concatenate([np.zeros(lead, np.float32), audio, np.zeros(tail, np.float32)]))
        heard_as = sound * 10 ** (chance.uniform(-10, 4) / 20) if self.arguments.clean else surroundings(chance, sound)
        return heard_as, dict(
            frames=len(sound) // FRAME, begin=lead // FRAME, end=(lead + len(audio)) // FRAME, answer=row["answer"],
            heard=self.pieces.encode(heard(row["text"])), speaker=row["speaker"], skill=row["skill"],
            clip=(row["file"], row["first"], row["take"]))

    def others(self):
        """What is not speech, and speech that cannot be understood: real people in other languages. Made once."""
        shelf = self.shelf("others")
        if shelf.rows:
            return shelf
        for number in range(240 // self.arguments.of):
            shelf.add(self.encoder([self.no_speech()])[0], answer="")
        index = json.loads((ROOT / "corpus.json").read_text())
        corpus = np.load(ROOT / "corpus.npy", mmap_mode="r")
        foreign = [clip for clip in index["clips"] if clip["group"] == "recorded" and 14 < clip["frames"] < 70]
        random.Random(3).shuffle(foreign)
        for clip in [clip for number, clip in enumerate(foreign[:700]) if self.mine(number)]:
            audio = corpus[clip["first"] * FRAME:(clip["first"] + clip["frames"]) * FRAME].astype(np.float32) / 32768
            lead, loud = int(self.chance.integers(5, 15)), np.flatnonzero(np.abs(audio) > 0.03 * np.abs(audio).max())
            sound = np.concatenate([np.zeros(lead * FRAME, np.float32), audio, np.zeros(int(4.5 * RATE) // FRAME * FRAME, np.float32)])
            shelf.add(self.encoder([surroundings(self.chance, sound)])[0],
                      begin=lead + int(loud[0]) // FRAME, end=lead + int(loud[-1]) // FRAME,
                      answer=skills.NOT_UNDERSTOOD.replace("*", ""), heard=[], speaker="foreign", skill="other")
        return shelf.save()

    def no_speech(self):
        chance = self.chance
        count = int(chance.integers(40, 120)) * FRAME
        kind = chance.random()
        if kind < 0.35:
            sound = coloured_noise(chance, count) * 10 ** chance.uniform(-4, -1)
        elif kind < 0.5:
            sound = np.zeros(count)
            for click in chance.integers(0, count - 3000, count // 6000):
                size = int(chance.integers(200, 1500))
                sound[click:click + size] += coloured_noise(chance, size) * np.exp(-np.arange(size) / 150) * chance.uniform(0.02, 0.2)
        else:
            sound = odd_signal(chance, count) * chance.uniform(0.1, 1)
        return np.clip(sound, -1, 1).astype(np.float32)


def encode(arguments):
    work = Encoding(arguments)
    if arguments.only != "questions":
        answers = work.answers()
        print(f"{len(answers.rows)} answers, {answers.length} frames", flush=True)
    if arguments.only == "answers":
        return
    asked = work.questions()
    print(f"{len(asked.rows)} questions, {asked.length} frames", flush=True)
    if arguments.only == "questions":
        return
    others = work.others()
    # What either line gives when all is silent, by this encoder.
    silence = work.encoder([np.zeros(60 * FRAME, np.float32)])[0]
    np.save(FOLDER / "silence.npy", silence[50])
    print(f"{len(others.rows)} others; silence varies in {int((silence[40:] != silence[50]).any(1).sum())} of 20 frames", flush=True)


class Surrounded(torch.utils.data.Dataset):
    """Questions as a microphone hears them, so many at a time: sounds of one length, and a row for each."""

    def __init__(self, work, jobs, at_once):
        self.work, self.jobs, self.at_once = work, jobs, at_once
        self.sources = {path.stem: np.memmap(path, np.int16, "r") for path in QUESTIONS.glob("*.raw")}

    def __len__(self):
        return -(-len(self.jobs) // self.at_once)

    def __getitem__(self, number):
        some = self.jobs[self.at_once * number:self.at_once * (number + 1)]
        chance = np.random.default_rng((self.work.arguments.seed, some[0]["first"], some[0]["take"]))
        found = []
        for row in some:
            audio = self.sources[row["file"]][row["first"]:row["first"] + row["count"]].astype(np.float32) / 32768
            found.append(self.work.question(chance, row, audio))
        sounds, rows = zip(*found)
        return side_by_side(sounds), rows


def exchanges(skill_of):
    """So many random exchanges, each of the skill that `skill_of(chance)` gives, that few answers are missing; always the same."""
    chance = random.Random(1)
    return [skills.exchange(chance, skill=skill_of(chance)) for _ in range(8000)]


def facts(pieces):
    """Answers that follow from their own beginning: (tokens, whether it is what follows) of each word."""
    found = {}
    for item in exchanges(lambda chance: chance.choice(FACTS)):
        words = item.answer.split()
        found[item.answer] = [(pieces.encode(word), number >= len(words) - len(item.keys)) for number, word in enumerate(words)]
    return [found[answer] for answer in sorted(found)]


class Sampler:
    """Random conversations of `frames` frames."""

    WEIGHTS = {"hibari": 1.0, "kokoro": 2.2, "blend": 2.2, "flite": 0.8, "espeak": 0.8, "foreign": 1.0, "noise": 1.0}
    # What is not asked at all is drawn so often for each question, however many questions there are.
    UNASKED = {"foreign": 0.012, "noise": 0.028}
    # What the model is worst at is drawn more often than people ask for it.
    HARD = {"repeat": 1.6, "spell": 1.6, "name": 1.6, "greet": 1.2, "opposite": 1.6, "sum": 1.2, "smalltalk": 1.3, "other": 1.6}
    INTERRUPTED = 0.12
    # How often a recital is what is asked for, of a skill (its answers are few, and said badly when they are rare), or any answer.
    RECITALS = {"asked": 0.3, "name": 0.06, "greet": 0.05, "spell": 0.12, "digits": 0.05, "count": 0.05, "any": 0.37}

    def __init__(self, frames, initial):
        self.frames, self.initial = frames, initial
        self.silence = np.load(FOLDER / "silence.npy")
        self.answers, self.items = {}, []
        for path in sorted(FOLDER.glob("answers-*.json")):
            codes = np.load(path.with_suffix(".npy"))
            for row in json.loads(path.read_text()):
                self.answers[row["text"]] = (codes[row["first"]:row["first"] + row["frames"]], row["words"])
        for path in sorted([*FOLDER.glob("questions-*.json"), *FOLDER.glob("others-*.json")]):
            codes = np.load(path.with_suffix(".npy"))
            for row in json.loads(path.read_text()):
                if row["answer"] and row["answer"] not in self.answers:
                    continue  # its part of the answers is not there yet
                self.items.append((codes[row["first"]:row["first"] + row["frames"]], row))
        self.weights = np.cumsum(self.shares([row for _, row in self.items]))
        self.facts, self.said = facts(reader()), [said for said, _ in self.answers.values()]
        self.recited = {kind: sorted({item.answer for item in exchanges(lambda _: kind)} & self.answers.keys())
                        for kind in self.RECITALS if kind in skills.SHARES}
        self.recited["any"] = list(self.answers)

    @classmethod
    def shares(cls, rows):
        """How often each row is drawn; together 1."""
        speakers = np.array([row.get("speaker", "noise") for row in rows])
        weights = np.array([cls.WEIGHTS[speaker] * cls.HARD.get(row.get("skill", "").partition("/")[0], 1.0)
                            for speaker, row in zip(speakers, rows)])
        asked = weights[~np.isin(speakers, list(cls.UNASKED))].sum()
        for speaker, share in cls.UNASKED.items():
            theirs = speakers == speaker
            weights[theirs] *= share * asked / max(1.0, weights[theirs].sum())
        return weights / weights.sum()

    def drawn(self, chance):
        """Any item: its codes and its row."""
        return self.items[int(np.searchsorted(self.weights, chance.random()))]

    def reply(self, answer, at, text, own):
        """Writes an answer, whose sound begins at a frame, into both lines; the frames of its sound."""
        said, words = self.answers[answer]
        count = min(len(said), len(own) - at)
        own[at:at + count] = said[:count]
        write_words(words, at, text)
        return count

    def lesson(self, chance):
        """As `conversation`, but question follows question and the text of a reply is not spoken: more to understand in the
        same time. The own stream is its initial token throughout, by which the model tells the two apart.
        """
        n = self.frames
        text = np.full(n, PADDING, np.int64)
        user = np.tile(self.silence, (n, 1)).astype(np.int64)
        spelled, place = [], 0
        while place < n:
            codes, row = self.drawn(chance)
            if "begin" not in row:
                first = int(chance.integers(len(codes) // 2))
                sound = codes[first:first + 20][:n - place]
                user[place:place + len(sound)] = sound
                place += len(sound)
                continue
            first = max(0, row["begin"] - int(chance.integers(1, 6)))
            begin, end = place + row["begin"] - first, place + row["end"] - first
            free = end + delay(chance) - LEAD
            if row["answer"]:
                tokens = [WORD, *(token for _, word in self.answers[row["answer"]][1] for token in word)]
                count = max(0, min(len(tokens), n - free + 1))
                text[free - 1:free - 1 + count] = tokens[:count]
                free += len(tokens)
            if row["heard"] and end + 6 < n:
                spelled.append((begin, end + 6, row["heard"]))
            free = max(free, end + 4) + int(chance.integers(1, 5))
            sound = codes[first:first + free - place][:n - place]
            user[place:place + len(sound)] = sound
            place = free
        return text, np.full((n, self.silence.shape[0]), self.initial), user, spelled, np.ones(n, bool)

    def drill(self, chance):
        """Facts in text alone, such as sums: only their last words are taught, never when to say such a thing."""
        n, line = self.frames, []  # of pairs: a token, and whether it is taught
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
            own[place:place + len(said)] = said[:n - place]
            place += len(said)
        return text, own, user, [], taught

    def recital(self, chance):
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
            after = codes[row.get("end", 0) + 2:][:self.frames - place]
            user[place:place + len(after)] = after
            place += len(after)
        cut = slice(self.frames)
        return text[cut], own[cut], user[cut], [], np.zeros(self.frames, bool)

    def conversation(self, chance):
        """text [frames], own and user [frames, codebooks], spelled: (first, last, pieces) of each whole question, and which text
        is taught [frames].
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
                    own[stop:reply[2]] = self.silence
                    text[max(stop - LEAD, 0):reply[2]] = PADDING
            codes = codes[first:]
            length = min(len(codes), n - place)
            user[place:place + length] = codes[:length]
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
        return text[:self.frames], own[:self.frames], user[:self.frames], spelled, np.ones(self.frames, bool)

    def batch(self, size, seed, lessons=0.0, drills=0.0, recitals=0.0):
        """Text, own, user, and which text is taught, each [size, frames, ...]; then what is spelled, and which sequences' own
        codes are taught [size]. Shares of lessons, drills and recitals, the others conversations.
        """
        chance = np.random.default_rng(seed)
        makers = (self.lesson, self.drill, self.recital, self.conversation)  # the last two are spoken
        kinds = chance.choice(4, size, p=(lessons, drills, recitals, 1 - lessons - drills - recitals))
        parts = [makers[kind](chance) for kind in kinds]
        return (*(np.stack([part[number] for part in parts]) for number in (0, 1, 2, 4)), [part[3] for part in parts], kinds >= 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("tokenizer")
    command.set_defaults(run=tokenizer)
    command = commands.add_parser("encode")
    command.add_argument("--codec", nargs="+", default=[str(ROOT / "codec" / "codec.safetensors")],
                         help="several: each question by every one of them, all else by the first")
    command.add_argument("--device", default="cpu")
    command.add_argument("--loaders", type=int, default=0, help="processes that put questions into surroundings: for a GPU")
    command.add_argument("--part", type=int, default=0)
    command.add_argument("--of", type=int, default=1)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--takes", type=int, default=1, help="of each question, each in other surroundings")
    command.add_argument("--kokoro-takes", type=int, default=5, help="of each of Kokoro's questions")
    command.add_argument("--recited", type=int, default=0, help="answers that nobody asks for, for recitals")
    command.add_argument("--half", action="store_true", help="bf16 networks: twice as fast, one code in fifty is another")
    command.add_argument("--most", type=int, default=10 ** 9, help="questions of this part")
    command.add_argument("--clean", action="store_true", help="questions without room, noise and band: for reader.py")
    command.add_argument("--only", choices=("answers", "questions"), help="nothing else")
    command.set_defaults(run=encode)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
