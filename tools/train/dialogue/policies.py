"""Conversations of a frozen model with a drafter in the loop: what is drafted is played, and is what is remembered."""

import dataclasses

import torch
from torch import Tensor

from tools.train.dialogue.drafter import Drafter, Drafting
from tools.train.dialogue.frozen import Frozen, Stream, heard_in_step

TOP = 12  # of the probabilities that are kept


@dataclasses.dataclass(frozen=True)
class Policy:
    """When drafts are used. Without any of it the drafter only watches.

    early   codebooks 1... of each frame are drafted and played a step (80 ms) sooner
    lazy    while it speaks, the model runs once for so many frames; the columns between are drafted
    late    every so many steps the model is late. Its frame is concealed by a draft, but text and codebook 0 are its
            own in the end; where frames are early, the whole column is the draft
    """

    early: bool = False
    lazy: int = 1
    late: int = 0

    @classmethod
    def parsed(cls, text: str) -> "Policy":
        """Of parts joined by +: early, lazy2, lazy3, late25; base is none of them."""
        found: dict[str, bool | int] = {}
        for part in text.split("+"):
            if part == "early":
                found["early"] = True
            elif part.startswith(("lazy", "late")) and part[4:].isdigit():
                found[part[:4]] = int(part[4:])
            elif part != "base":
                raise SystemExit(f"There is no policy '{part}'; parts are base, early, lazyN and lateN, joined by +.")
        return cls(**found)  # type: ignore[arg-type]

    def modules(self) -> int:
        """How many the drafter must have."""
        return max(int(self.early) + self.lazy - 1, 1 + int(self.early) if self.late else 0)


@torch.no_grad()
def talk(
    frozen: Frozen, user: Tensor, silence: Tensor, drafter: Drafter | None = None, policy: Policy | None = None
) -> dict[str, Tensor]:
    """All conversations at once: user [count, steps, codebooks]; `silence` [codebooks] is the assistant's.

    Gives, for each step: `h` (half, and `exact`), `text` and `hist` as they are remembered, `ids` and `probs` (the
    likeliest `TOP` of text and of each codebook, the drawn one first), and `drafted`, whether the whole column is a
    draft. With a drafter also `drafts` [count, steps, modules, 1 + codebooks] and `g` [count, steps, modules, width].
    `frames` [count, steps - 1, codebooks] is what is played.
    """
    policy, c = policy or Policy(), frozen.c
    count, steps, books = user.shape
    assert not policy.modules() or drafter and len(drafter.parts) >= policy.modules()
    stream, drafting = Stream(frozen, count, steps), Drafting(drafter, count) if drafter else None
    text, own = torch.full((count,), c.text), torch.full((count, books), c.cardinality)
    every, since = torch.arange(count), torch.zeros(count, dtype=torch.long)  # steps since the model last ran in time
    ready: Tensor | None = None  # what was drafted then
    found: dict[str, list[Tensor]] = {}
    for s in range(steps):
        h = stream.step(frozen.column(text, own), heard_in_step(user, s, c.cardinality))
        logits = [frozen.text_logits(h)]
        text = logits[0].argmax(-1)
        own = frozen.draw(h, text, logits)
        likeliest = [line.softmax(-1).topk(TOP, -1) for line in logits]
        drafted = torch.zeros(count, dtype=torch.bool)
        if ready is not None:
            since += 1
            draft = ready[every, (since - 1).clamp(max=ready.shape[1] - 1)]
            is_late = bool(policy.late) and s % policy.late == policy.late // 2
            if policy.lazy > 1 and s > 1:
                drafted = (found["hist"][-1][:, 1:] != silence[1:]).any(-1) & (since < policy.lazy)
            if is_late and policy.early:
                drafted = torch.ones_like(drafted)
            if policy.early or is_late:
                own[:, 1:] = draft[:, 2:]
            text = torch.where(drafted, draft[:, 0], text)
            own = torch.where(drafted[:, None], draft[:, 1:], own)
            since = torch.where(drafted, since, 0)
        if s == 0:
            own[:, 1:] = c.cardinality  # there is no frame before the first
        values = {
            "h": h.half(),
            "exact": h,
            "text": text,
            "hist": own,
            "ids": torch.stack([part.indices for part in likeliest], 1).short(),
            "probs": torch.stack([part.values for part in likeliest], 1).half(),
            "drafted": drafted,
        }
        if drafting:
            before = found["drafted"][-1] if s else None
            drafts = values["drafts"] = drafting.step(h, text, own, before)
            values["g"] = torch.stack(drafting.states, 1)
            ready = drafts if ready is None else torch.where(drafted[:, None, None], ready, drafts)
        for name, value in values.items():
            found.setdefault(name, []).append(value.clone())
    result = {name: torch.stack(parts, 1) for name, parts in found.items()}
    hist = result["hist"]
    return result | {"frames": torch.cat([hist[:, :-1, :1], hist[:, 1:, 1:]], -1)}
