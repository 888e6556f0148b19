"""A drafter's stream drafts what its training computes; it hears nothing that has not been; its file keeps it.

python -m tools.train.dialogue.test_drafter
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tools.train.data.question_clips import Row
from tools.train.dialogue import rollouts
from tools.train.dialogue.drafter import FILE, Drafter, digest, read
from tools.train.dialogue.frozen import Frozen
from tools.train.dialogue.model import Configuration, Dialogue
from tools.train.dialogue.policies import Policy, talk
from tools.train.dialogue.train_drafter import Data, columns, outputs

SILENCE = torch.full((8,), -1)  # it always speaks


def small(modules: int = 2, window: int = 4) -> tuple[Drafter, Tensor]:
    torch.manual_seed(0)
    c = Configuration(
        width=32,
        heads=2,
        layers=2,
        hidden=48,
        depth_width=16,
        depth_heads=2,
        depth_layers=2,
        depth_hidden=24,
        cardinality=20,
        text=30,
        context=6,
    )
    frozen = Frozen(Dialogue(c, torch.randn(8, 20, 6)))
    return Drafter(frozen, modules, window).eval().requires_grad_(False), torch.randint(0, 20, (3, 24, 8))


def test_a_stream_drafts_what_training_computes() -> None:
    drafter, user = small()
    for policy in ("base", "early"):
        said = talk(drafter.frozen, user, SILENCE, drafter, Policy.parsed(policy))
        some = {name: said[name] for name in ("text", "hist", "probs")} | dict(h=said["exact"], ids=said["ids"].long())
        some["active"] = torch.ones_like(some["text"][:, 1:], dtype=torch.bool)
        angles, frozen = drafter.angles(24), drafter.frozen
        g = drafter.part(0)(frozen.column(some["text"], some["hist"]), some["h"], angles)
        assert torch.allclose(g, said["g"][:, :, 0], atol=1e-4)
        first, drafts = outputs(drafter, some, 1.0, True)[0], said["drafts"]
        assert (first.text.argmax(-1) == drafts[:, :-1, 0, 0]).all()
        # Module 2, given what module 1 drafts in the stream.
        g = drafter.part(1)(frozen.column(drafts[:, :, 0, 0], drafts[:, :, 0, 1:]), g, angles)
        assert torch.allclose(g, said["g"][:, :, 1], atol=1e-4)
        remembered = columns(frozen, first, 0.0)
        assert torch.allclose(remembered, frozen.column(some["text"][:, 1:], some["hist"][:, 1:]))


def test_what_is_drafted_is_what_is_remembered_and_played() -> None:
    drafter, user = small()
    said = talk(drafter.frozen, user, SILENCE, drafter, Policy(early=True))
    assert (said["hist"][:, 1:, 1:] == said["drafts"][:, :-1, 0, 2:]).all()
    assert (said["frames"][:, :, 1:] == said["drafts"][:, :-1, 0, 2:]).all()
    said = talk(drafter.frozen, user, SILENCE, drafter, Policy(lazy=3))
    drafted = said["drafted"][0].nonzero()[:, 0].tolist()
    assert drafted == [s for s in range(2, 24) if s % 3 != 1]
    for s in drafted:
        draft = said["drafts"][:, s - 1, 0] if s % 3 == 2 else said["drafts"][:, s - 2, 1]
        assert (said["text"][:, s] == draft[:, 0]).all() and (said["hist"][:, s] == draft[:, 1:]).all()


def test_a_draft_depends_on_nothing_later() -> None:
    drafter, user = small()
    other = user.clone()
    other[:, 12:] = (other[:, 12:] + 7) % 20
    for policy in ("base", "early", "lazy2", "early+lazy2"):
        here, there = (talk(drafter.frozen, line, SILENCE, drafter, Policy.parsed(policy)) for line in (user, other))
        assert (here["drafts"][:, :12] == there["drafts"][:, :12]).all()
        assert (here["drafts"][:, 12:] != there["drafts"][:, 12:]).any()


def test_a_late_frame_is_concealed_by_its_draft() -> None:
    drafter, user = small()
    said = talk(drafter.frozen, user, SILENCE, drafter, Policy(late=8))
    for s in (4, 12, 20):
        assert (said["hist"][:, s, 1:] == said["drafts"][:, s - 1, 0, 2:]).all()
        assert (said["text"][:, s] == said["ids"][:, s, 0, 0]).all()
    assert (said["hist"][:, 5] == said["ids"][:, 5, 1:, 0]).all() and not said["drafted"].any()


def test_a_step_made_later_leaves_the_state_of_one_made_in_time() -> None:
    drafter, user = small()
    said = talk(drafter.frozen, user, SILENCE, drafter, Policy(lazy=2))
    angles, frozen = drafter.angles(24), drafter.frozen
    e = frozen.column(said["text"], said["hist"])
    g = drafter.part(0)(e, said["exact"], angles)
    assert torch.allclose(g, said["g"][:, :, 0], atol=1e-4)
    # Module 2 in the last step: of those that were made later it remembers the column that is remembered.
    drafts = said["drafts"][:, :, 0]
    late = torch.cat([said["drafted"][:, :-1], torch.zeros(3, 1, dtype=torch.bool)], 1)[..., None]
    e = torch.where(late, torch.cat([e[:, 1:], e[:, :1]], 1), frozen.column(drafts[..., 0], drafts[..., 1:]))
    assert torch.allclose(drafter.part(1)(e, g, angles)[:, -1], said["g"][:, -1, 1], atol=1e-4)


def test_a_file_keeps_a_drafter_and_its_digest_knows_the_model() -> None:
    drafter, user = small()
    with tempfile.TemporaryDirectory() as folder:
        drafter.save(Path(folder) / FILE)
        again = read(Path(folder) / FILE, drafter.frozen, drafter.window)
    for name, tensor in drafter.views().items():
        assert torch.equal(tensor, again.views()[name]), name
    state = drafter.frozen.model.exported()
    first = digest(state)
    state["transformer.layers.1.norm2.alpha"] = state["transformer.layers.1.norm2.alpha"] + 1e-3
    assert len(first) == 16 and first != digest(state)


def test_losses_teach_every_weight() -> None:
    drafter, user = small()
    drafter.requires_grad_(True)
    said = talk(drafter.frozen, user, SILENCE)
    data = object.__new__(Data)
    data.silence = SILENCE
    data.parts = [{name: said[name].numpy() for name in ("h", "text", "hist", "ids", "probs")}]
    for found in outputs(drafter, data.pick([(0, 0), (0, 2)]), 0.5):
        found.loss()[0].backward()
    for name, tensor in drafter.named_parameters():
        assert tensor.grad is not None and tensor.grad.abs().max() > 0, name


def test_every_question_is_asked_once_and_has_room() -> None:
    rows: list[Row] = [dict(codes=np.full((90, 8), number), end=40, clip=("x", number, 0)) for number in range(12)]
    user, used = rollouts.question_after_question(rows, np.full(8, 99), 2, 1)
    assert user.shape == (2, rollouts.STEPS, 8) and used == rows[: len(used)] and 6 <= len(used) < 12
    for number in range(len(used)):
        assert (user == number).any()


if __name__ == "__main__":
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
    print("all hold")
