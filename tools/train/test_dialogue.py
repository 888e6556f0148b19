"""test_dialogue.py: a stream, a frame at a time, hears and predicts what training does; reserved wordings stay reserved."""
import random

import torch
import torch.nn.functional as F

import dialogue
import skills
from train_dialogue import Trainee


def small(frames=12):
    torch.manual_seed(0)
    c = dialogue.Configuration(width=32, heads=2, layers=2, hidden=48, depth_width=16, depth_heads=2, depth_layers=2,
                               depth_hidden=24, cardinality=20, text=30)
    trainee = Trainee(c, torch.randn(8, 20, 6), torch.zeros(8, dtype=torch.long), 0.0).eval()
    return trainee, torch.randint(0, 20, (3, frames, 8))


def test_a_stream_equals_training():
    trainee, user = small()
    model, frames = trainee.model, user.shape[1]
    talk = dialogue.Talk(model, 3)
    steps = [talk.step(user[:, frame]) for frame in range(frames)]
    text = torch.stack([text for text, _ in steps], 1)
    drawn = torch.stack([codes for _, codes in steps], 1)
    # Un-delayed: frame f has codebook 0 of step f and the others of step f + 1.
    own = torch.cat([drawn[:, :-1, :1], drawn[:, 1:, 1:]], -1)
    text, user = text[:, :-1], user[:, :-1]
    seen = {}
    linear = F.linear

    def spy(x, weight, *rest):
        y = linear(x, weight, *rest)
        if weight is model.text_linear:
            seen["text"] = y
        return y
    F.linear = spy
    try:
        trainee(text, own, user, [[], [], []])
    finally:
        F.linear = linear
    # The same tokens are the likeliest where training sees the same past; the first step's late codebooks are not part of it.
    agree = (seen["text"].argmax(-1) == text)[:, 2:]
    assert agree.all(), agree


def test_training_goes_on_from_what_was_exported():
    model, other = small()[0].model, small()[0].model
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(torch.randn_like(parameter))
    exported = model.exported()
    other.take(exported)
    for name, tensor in other.exported().items():
        assert torch.allclose(tensor, exported[name], atol=1e-5), name


def test_reserved_wordings_are_never_drawn():
    chance = random.Random(1)
    lists = [(wordings, skills.more.SKILLS[skill]) for skill, wordings in skills.WORDINGS.items()]
    lists += [(wordings, skills.more.TOPICS[topic]) for topic, (_, wordings) in skills.TOPICS.items()]
    parts = [skills.sets(*pair) for pair in lists]
    plain = lambda name: {tuple(skills.words(wording)) for part in parts for wording in part[name]}
    assert not plain("train") & (plain("choose") | plain("reserved"))
    drawn = {skills.exchange(chance).wording for _ in range(20000)}
    reserved = {w for ws in skills.WORDINGS.values() for w in skills.sets(ws)["reserved"]}
    reserved |= {w for _, ws in skills.TOPICS.values() for w in skills.sets(ws)["reserved"]}
    assert not drawn & reserved


if __name__ == "__main__":
    test_a_stream_equals_training()
    test_training_goes_on_from_what_was_exported()
    test_reserved_wordings_are_never_drawn()
    print("all hold")
