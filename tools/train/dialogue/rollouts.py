"""What the shipped model says when it is asked: what a drafter learns from (self-distillation).

    python -m tools.train.dialogue.rollouts COMMAND ...

    held [--count 100]                           the questions that drafters are judged by, by held voices
    roll --name base                             conversations with all questions that `dialogue.encode` has encoded
    roll --name loop --drafter FILE --policy early,lazy2      the same with a drafter in the loop

All of it lies in $ANTIPHON_TRAIN/drafter. `roll` can be stopped, and run again it goes on with the questions that are
new.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tools.common.places import REPOSITORY
from tools.common.sizes import FRAME
from tools.train.codec import model as codec
from tools.train.codec.encoder import Encoder
from tools.train.data.question_clips import Row, held
from tools.train.dialogue import model as dialogue
from tools.train.dialogue.drafter import read
from tools.train.dialogue.frozen import Frozen
from tools.train.dialogue.packed import weights_of
from tools.train.dialogue.policies import Policy, talk
from tools.train.folders import DIALOGUE, ROOT
from tools.train.sound import frames_of

MODEL = REPOSITORY / "Assets" / "models" / "default"
FOLDER = ROOT / "drafter"
STEPS = 300
BEFORE, AFTER = 10, 70  # frames of silence around a held question
INTERRUPTED = 0.08  # of the questions begin before the reply to the last is over


def load(directory: Path) -> tuple[Frozen, codec.Codec]:
    """The model of a directory, frozen, and its codec."""
    sound = codec.load(directory / "codec.safetensors")
    vectors, state = codec.codec_vectors(sound), weights_of(directory / "model.safetensors")
    model = dialogue.Dialogue(dialogue.Configuration.over(vectors, dialogue.layers_of(state)), vectors)
    model.take(state)
    return Frozen(model), sound


def user_silence(directory: Path) -> np.ndarray:
    """The codes of silence, as the encoder gives them."""
    path = FOLDER / "silence.npy"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        np.save(path, Encoder(directory / "codec.safetensors")([np.zeros(60 * FRAME, np.float32)])[0][50])
    return np.load(path)


def own_silence(frozen: Frozen, silence: np.ndarray) -> Tensor:
    """What the assistant says when it says nothing: the commonest codes of a conversation with nobody."""
    user = torch.from_numpy(silence.astype(np.int64)).expand(1, 60, -1)
    rows, counts = talk(frozen, user, torch.zeros(user.shape[-1]))["frames"][0, 20:].unique(dim=0, return_counts=True)
    return rows[counts.argmax()]


def question_after_question(
    rows: Sequence[Row], silence: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, list[Row]]:
    """The user's side of at most `count` conversations [count, STEPS, codebooks], each question with time for its
    reply, seldom with too little; and which questions were used.
    """
    chance, place = random.Random(seed), STEPS
    found: list[np.ndarray] = []
    used: list[Row] = []
    for row in rows:
        sound = row["codes"]
        if chance.random() < INTERRUPTED:
            sound = sound[: row["end"] + chance.randint(12, 30)]
        if place + row["end"] + 20 > STEPS:
            if len(found) == count:
                break
            found.append(np.tile(silence, (STEPS, 1)).astype(np.int64))
            place = 0
        sound = sound[: STEPS - place]
        found[-1][place : place + len(sound)] = sound
        place += len(sound)
        used.append(row)
    return np.stack(found) if found else np.zeros((0, STEPS, len(silence)), np.int64), used


def encoded(but: set[tuple[Any, ...]], seed: int) -> list[Row]:
    """Encoded questions that are not among `but`, with their codes, in a random order."""
    found = []
    for path in sorted(DIALOGUE.glob("questions-*.json")):
        whole = np.load(path.with_suffix(".npy"))
        for row in json.loads(path.read_text()):
            if tuple(row["clip"]) not in but:
                found.append(row | dict(codes=whole[row["first"] : row["first"] + row["frames"]]))
    random.Random(seed).shuffle(found)
    return found


def keep(path: Path, said: dict[str, Tensor]) -> None:
    """Writes what training needs."""
    arrays = {name: said[name].numpy() for name in ("h", "ids", "probs", "drafted")}
    arrays |= {name: said[name].numpy().astype(np.int16) for name in ("text", "hist")}
    unfinished = path.with_suffix(".part")
    with open(unfinished, "wb") as file:
        np.savez(file, **arrays)
    unfinished.rename(path)


def roll(arguments: argparse.Namespace) -> None:
    """Conversation after conversation, as many at once as memory has room for."""
    torch.set_num_threads(1)
    frozen, _ = load(arguments.model)
    silence = user_silence(arguments.model)
    mute = own_silence(frozen, silence)
    drafter = read(arguments.drafter, frozen, arguments.window) if arguments.drafter else None
    policies = [Policy.parsed(text) for text in arguments.policy.split(",")]
    place, began = FOLDER / f"{arguments.name}.json", time.time()
    for _ in range(arguments.files):
        state: dict[str, Any] = json.loads(place.read_text()) if place.exists() else dict(files=0, asked=[])
        number = state["files"]
        avoided = {tuple(clip) for clip in state["asked"]}
        for other in arguments.avoid:
            avoided |= {tuple(clip) for clip in json.loads((FOLDER / f"{other}.json").read_text())["asked"]}
        user, used = question_after_question(encoded(avoided, number), silence, arguments.at_once, number)
        if len(user) < arguments.at_once:
            print("No more questions: say and encode more.")
            break
        said = talk(frozen, torch.from_numpy(user), mute, drafter, policies[number % len(policies)])
        keep(FOLDER / f"{arguments.name}-{number:03d}.npz", said)
        state = dict(files=number + 1, asked=state["asked"] + [row["clip"] for row in used])
        place.write_text(json.dumps(state))
        print(f"{number}: {len(state['asked'])} questions asked, {time.time() - began:.0f} s", flush=True)


def judged_by(arguments: argparse.Namespace) -> None:
    """Encodes the questions of held voices whose answers have key words, each in a conversation of its own, and
    keeps what the model says to them.
    """
    torch.set_num_threads(1)
    frozen, _ = load(arguments.model)
    silence, encoder = user_silence(arguments.model), Encoder(arguments.model / "codec.safetensors")
    found = [(row, audio) for row, audio in held() if row["keys"]][: arguments.count]
    sounds = [
        frames_of(np.concatenate([np.zeros(BEFORE * FRAME, np.float32), audio, np.zeros(AFTER * FRAME, np.float32)]))
        for _, audio in found
    ]
    user = np.tile(silence, (len(sounds), max(map(len, sounds)) // FRAME, 1)).astype(np.int16)
    for first in range(0, len(sounds), 10):
        for line, codes in zip(user[first:], encoder(sounds[first : first + 10])):
            line[: len(codes)] = codes
    np.save(FOLDER / "held-user.npy", user)
    (FOLDER / "held.json").write_text(json.dumps([row for row, _ in found]))
    said = talk(frozen, torch.from_numpy(user.astype(np.int64)), own_silence(frozen, silence))
    keep(FOLDER / "held-000.npz", said)
    print(f"{len(found)} questions, {user.shape[1]} frames each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("held")
    command.add_argument("--count", type=int, default=100)
    command.set_defaults(run=judged_by)
    command = commands.add_parser("roll")
    command.add_argument("--name", default="base", help="of the files")
    command.add_argument("--files", type=int, default=10**6, help="so many more, at most")
    command.add_argument("--at-once", type=int, default=64, help="conversations of a file")
    command.add_argument("--avoid", nargs="*", default=[], help="names whose questions are not asked again")
    command.add_argument("--drafter", help="drafter.safetensors that is in the loop")
    command.add_argument("--window", type=int, default=32, help="of that drafter")
    command.add_argument("--policy", default="base", help="such as early or lazy2; several, with commas, take turns")
    command.set_defaults(run=roll)
    for command in commands.choices.values():
        command.add_argument("--model", type=Path, default=MODEL, help="directory")
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
