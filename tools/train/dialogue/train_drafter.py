"""Trains a drafter on what its model said (`dialogue.rollouts`); can be stopped and resumed at any time.

    python -m tools.train.dialogue.train_drafter --minutes 40 [--data base loop] [--modules 2] [--start FILE]
    python -m tools.train.dialogue.train_drafter --judge FILE...      teacher-forced, on the held questions

OUT/state.pt is everything (the same command resumes from it), OUT/log.jsonl the learning curve, OUT/drafter.safetensors
the averaged weights in f16, OUT/config.json the model's with the drafter. `--minutes` is the length of the whole
schedule in time spent training. Files that `rollouts` adds meanwhile are read when the next pass over the data begins.

Every step reads a few conversations whole and draws the frames that teach the depth transformer's part: those in which
something is said (`--share` of them), and 8 % of the others. The target of a token is half what the model drew one step
later (two, for module 2), and half its probabilities. Module 2 hears the column that module 1 drafts or, in half of the
steps, the one that is remembered.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tools.train.course import Course
from tools.train.dialogue import rollouts
from tools.train.dialogue.drafter import FILE, Drafter, describe, digest, read
from tools.train.dialogue.frozen import Frozen
from tools.train.dialogue.model import PADDING
from tools.train.dialogue.packed import weights_of
from tools.train.dialogue.train import QUIET, WEIGHTS
from tools.train.folders import ROOT

FLAT_UNTIL = 0.4  # of the schedule: where the learning rate begins to fall
HARD = 0.5  # of a target: what was drawn
WAITS = 0.1  # the weight of a step whose text is padding
SECOND = 0.5  # the weight of module 2's loss

Said = dict[str, Tensor]  # of some conversations: h, text, hist, ids, probs, active


class Data:
    """Conversations of some names, in memory; `more` reads the files that are new."""

    def __init__(self, names: list[str], silence: Tensor) -> None:
        self.names, self.silence, self.files, self.parts = names, silence, set[Path](), list[dict[str, np.ndarray]]()
        self.places: list[tuple[int, int]] = []
        self.more()

    def more(self) -> None:
        """Reads what it has not read."""
        for path in sorted(path for name in self.names for path in rollouts.FOLDER.glob(f"{name}-[0-9]*.npz")):
            if path not in self.files:
                self.files.add(path)
                with np.load(path) as arrays:
                    self.parts.append({name: arrays[name] for name in arrays.files})
                self.places += [(len(self.parts) - 1, row) for row in range(len(self.parts[-1]["text"]))]

    def shuffled(self, size: int) -> Iterator[Said]:
        """Batch after batch, pass after pass."""
        while True:
            self.more()
            places = random.sample(self.places, len(self.places))
            for first in range(0, len(places) - size + 1, size):
                yield self.pick(places[first : first + size])

    def pick(self, places: list[tuple[int, int]]) -> Said:
        """Conversations of one length."""
        some = {
            name: torch.from_numpy(np.stack([self.parts[part][name][row] for part, row in places]))
            for name in ("h", "text", "hist", "ids", "probs")
        }
        some = {name: value.float() if value.dtype == torch.half else value.long() for name, value in some.items()}
        # Something is said in frame s: its codebooks 1..., which the model draws in step s + 1, are not silence.
        some["active"] = (some["ids"][:, 1:, 2:, 0] != self.silence[1:]).any(-1)
        return some


def mixed(logits: Tensor, ids: Tensor, probs: Tensor) -> Tensor:
    """Cross entropy against a mixture of what was drawn, the first of `ids`, and the probabilities of all of them."""
    weights = (1 - HARD) * probs / probs.sum(-1, keepdim=True)
    weights[..., 0] += HARD
    return logits.logsumexp(-1) - (logits.gather(-1, ids) * weights).sum(-1)


class Outputs:
    """What one module gives: g [batch, steps, width], and at some places the logits of all codebooks."""

    def __init__(self, frozen: Frozen, g: Tensor, some: Said, ahead: int, place: Tensor) -> None:
        """`place` are steps, flat, of those that have `ahead` steps after them."""
        self.some, self.ahead, self.place = some, ahead, place
        g = g[:, : some["text"].shape[1] - ahead]
        self.text = frozen.text_logits(g)
        targets = self.wanted("ids")[..., 0]
        self.codes = frozen.code_logits(g.flatten(0, 1)[place], targets[:, 0], targets[:, 1:])

    def wanted(self, name: str) -> Tensor:
        """`ids` or `probs` of the step that is drafted, at the places [n, 1 + codebooks, TOP]."""
        return self.some[name][:, self.ahead :].flatten(0, 1)[self.place]

    def loss(self) -> tuple[Tensor, Tensor]:
        """All of it, and each codebook's part."""
        ids, probs = self.wanted("ids")[:, 1:].transpose(0, 1), self.wanted("probs")[:, 1:].transpose(0, 1)
        codes = mixed(self.codes, ids, probs).mean(1)
        ids, probs = self.some["ids"][:, self.ahead :, 0], self.some["probs"][:, self.ahead :, 0]
        weight = torch.where(ids[..., 0] != PADDING, 1.0, WAITS)
        text = (mixed(self.text, ids, probs) * weight).sum() / weight.sum()
        return (codes * codes.new_tensor(WEIGHTS)).sum() + 2 * text, codes.detach()


def columns(frozen: Frozen, first: Outputs, share: float) -> Tensor:
    """The embedding of column s + 1 for all steps s but the last: what is remembered or, in `share` of the steps, what
    module 1 drafts; at the places where its codes are known these, too (teacher forced).
    """
    some = first.some
    text, own = some["text"][:, 1:].clone(), some["hist"][:, 1:].clone()
    drafted = torch.rand(text.shape) < share
    text = torch.where(drafted, first.text.argmax(-1), text)
    flat = own.flatten(0, 1)
    codes = first.codes.argmax(-1).transpose(0, 1)
    flat[first.place] = torch.where(drafted.flatten()[first.place][:, None], codes, flat[first.place])
    return frozen.column(text, flat.view_as(own))


def outputs(drafter: Drafter, some: Said, share: float, all_of_them: bool = False) -> list[Outputs]:
    """Of each module."""
    frozen, found = drafter.frozen, list[Outputs]()
    angles = drafter.angles(some["text"].shape[1])
    e, h = frozen.column(some["text"], some["hist"]), some["h"]
    active = some["active"]
    chosen = active if all_of_them else torch.rand(active.shape) < torch.where(active, share, QUIET)
    for number in range(len(drafter.parts)):
        h = drafter.part(number)(e, h, angles[: h.shape[1]])
        # What is drafted for frame s + 1 is what is said there.
        where = chosen if number == 0 else chosen[:, 1:]
        found.append(Outputs(frozen, h, some, number + 1, where.flatten().nonzero()[:, 0]))
        if number + 1 < len(drafter.parts):
            e, h = columns(frozen, found[-1], 1.0 if all_of_them else 0.5), h[:, :-1].detach()
    return found


@torch.no_grad()
def judged(drafter: Drafter, data: Data, at_once: int = 10) -> list[dict[str, list[float] | float]]:
    """Of each module, on all frames in which something is said: cross entropy and top-1 against what the model drew;
    text by words (that are not padding) and by padding.
    """
    drafter.eval()
    sums: list[dict[str, Tensor]] = [{} for _ in drafter.parts]
    for first in range(0, len(data.places), at_once):
        for module, found in zip(sums, outputs(drafter, data.pick(data.places[first : first + at_once]), 1.0, True)):
            ids, says = found.wanted("ids")[:, 1:, 0], found.some["ids"][:, found.ahead :, 0, 0]
            word, right = says != PADDING, found.text.argmax(-1) == says
            values = {
                "ce": F.cross_entropy(found.codes.permute(1, 2, 0), ids, reduction="none").sum(0),
                "top1": (found.codes.argmax(-1).t() == ids).float().sum(0),
                "own": -found.wanted("probs")[:, 1:, 0].clamp(min=1e-4).log().sum(0),
                "frames": torch.tensor(float(len(ids))),
                "words": word.float().sum(),
                "right": right[word].float().sum(),
                "word_ce": F.cross_entropy(found.text[word], says[word], reduction="sum"),
                "waits": (~word).float().sum(),
                "waited": right[~word].float().sum(),
            }
            for name, value in values.items():
                module[name] = module.get(name, torch.zeros(())) + value
    drafter.train()
    return [
        {name: [round(float(v), 3) for v in s[name] / s["frames"]] for name in ("top1", "ce", "own")}
        | {
            "text": round(float(s["right"] / s["words"]), 3),
            "text_ce": round(float(s["word_ce"] / s["words"]), 3),
            "padding": round(float(s["waited"] / s["waits"]), 4),
            "frames": float(s["frames"]),
        }
        for s in sums
    ]


def usual_size(frozen: Frozen, silence: np.ndarray) -> float:
    """The root mean square of what the last temporal layer is given."""
    model, steps = frozen.model, 40
    user = torch.from_numpy(silence.astype(np.int64)).expand(1, steps, -1)
    seen: list[Tensor] = []
    hook = model.layers[-1].norm1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        text = torch.full((1, steps), PADDING)
        model.temporal(frozen.column(text, user) + frozen.user.total(user))
    hook.remove()
    return float(seen[0].pow(2).mean().sqrt())


def train(arguments: argparse.Namespace, frozen: Frozen) -> None:
    """The whole schedule, or the rest of it."""
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    silence = rollouts.user_silence(arguments.model)
    mute = rollouts.own_silence(frozen, silence)
    data, held = Data(arguments.data, mute), Data(["held"], mute)
    drafter = Drafter(frozen, arguments.modules, arguments.window)
    drafter.begin_as(0, usual_size(frozen, silence))
    if arguments.start:
        drafter.take(arguments.start)
        there = len(read(arguments.start, frozen, arguments.window).parts)
        for number in range(there, arguments.modules):
            drafter.begin_as(number, 1.0)
    averages = Drafter(frozen, arguments.modules, arguments.window).requires_grad_(False)
    averages.load_state_dict(drafter.state_dict())
    learnt = list(drafter.parameters())
    optimizer = torch.optim.AdamW(learnt, arguments.rate, betas=(0.9, 0.98), weight_decay=0.01)
    state = torch.load(out / "state.pt", weights_only=True) if (out / "state.pt").exists() else None
    if state:
        drafter.load_state_dict(state["drafter"])
        averages.load_state_dict(state["averages"])
        optimizer.load_state_dict(state["optimizer"])
    course = Course(
        0,
        None,
        10**6 if arguments.steps else arguments.minutes,
        arguments.steps or 10**9,
        step=state["step"] if state else 0,
        spent=state["spent"] if state else 0.0,
        log=out / "log.jsonl",
    )
    random.seed(course.step)
    torch.manual_seed(course.step)
    batches = data.shuffled(arguments.batch)
    print(f"{sum(p.numel() for p in learnt)} weights, {len(data.places)} conversations", flush=True)
    drafter.train()
    while course.goes_on():
        if arguments.steps:
            course.part = course.step / arguments.steps
        for group in optimizer.param_groups:
            group["lr"] = course.rate(arguments.rate, 30, FLAT_UNTIL)
        found = outputs(drafter, next(batches), arguments.share)
        parts = [one.loss() for one in found]
        loss = sum((SECOND if number else 1.0) * part for number, (part, _) in enumerate(parts))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
        course.follow(averages.parameters(), learnt)
        values = {f"loss{number}": part for number, (part, _) in enumerate(parts)}
        values |= {f"codes{number}": codes[:4].mean() for number, (_, codes) in enumerate(parts)}
        if course.took(values, conversations=len(data.places)):
            keep(arguments, averages, drafter, optimizer, course)
    keep(arguments, averages, drafter, optimizer, course)
    for row in judged(averages, held):
        print(json.dumps(row), flush=True)


def keep(
    arguments: argparse.Namespace, averages: Drafter, drafter: Drafter, optimizer: torch.optim.Optimizer, course: Course
) -> None:
    """Saves everything."""
    out = arguments.out
    state = dict(
        drafter=drafter.state_dict(),
        averages=averages.state_dict(),
        optimizer=optimizer.state_dict(),
        step=course.step,
        spent=course.spent,
    )
    torch.save(state, out / "state.part")
    (out / "state.part").rename(out / "state.pt")
    averages.save(out / FILE, half=True)
    backbone = digest(weights_of(arguments.model / "model.safetensors"))
    describe(arguments.model, out, arguments.modules, arguments.window, backbone)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--steps", type=int, help="the schedule's length instead: for a machine that does other work")
    parser.add_argument("--model", type=Path, default=rollouts.MODEL, help="directory")
    parser.add_argument("--out", type=Path, default=ROOT / "drafter" / "one")
    parser.add_argument("--data", nargs="+", default=["base"], help="names of `rollouts`")
    parser.add_argument("--modules", type=int, choices=(1, 2), default=1)
    parser.add_argument("--window", type=int, default=32)
    parser.add_argument("--batch", type=int, default=6, help="conversations")
    parser.add_argument("--share", type=float, default=0.5, help="of the spoken frames that teach in a step")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--start", type=Path, help="begins with these weights")
    parser.add_argument("--judge", nargs="+", type=Path, metavar="FILE", help="only judges these drafters")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    frozen, _ = rollouts.load(arguments.model)
    if not arguments.judge:
        train(arguments, frozen)
        return
    held = Data(["held"], rollouts.own_silence(frozen, rollouts.user_silence(arguments.model)))
    for path in arguments.judge:
        for row in judged(read(path, frozen, arguments.window), held):
            print(path, json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
