"""A stream, a frame at a time, hears and predicts what training does; data and weights are what they should be.

python -m tools.train.dialogue.test_dialogue
"""

import argparse
import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tools.common.sizes import RATE
from tools.train import workers
from tools.train.data.graph import Graph
from tools.train.data.surroundings import surroundings
from tools.train.dialogue import model as dialogue
from tools.train.dialogue.conversations import Conversations
from tools.train.dialogue.mean import mean
from tools.train.dialogue.packed import unpacked
from tools.train.dialogue.train import Batches, Trainee


def small(frames: int = 12, context: int = 192) -> tuple[Trainee, Tensor]:
    torch.manual_seed(0)
    c = dialogue.Configuration(
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
        context=context,
    )
    trainee = Trainee(c, torch.randn(8, 20, 6), torch.zeros(8, dtype=torch.long), 0.0).eval()
    return trainee, torch.randint(0, 20, (3, frames, 8))


def test_a_stream_equals_training() -> None:
    check_stream(*small())


def test_a_stream_equals_training_beyond_the_window() -> None:
    check_stream(*small(frames=40, context=6))


def check_stream(trainee: Trainee, user: Tensor) -> None:
    model, frames = trainee.model, user.shape[1]
    talk = dialogue.Talk(model, 3)
    steps = [talk.step(user[:, frame]) for frame in range(frames)]
    text = torch.stack([text for text, _ in steps], 1)
    drawn = torch.stack([codes for _, codes in steps], 1)
    own = dialogue.in_step(drawn)
    text, user = text[:, :-1], user[:, :-1]
    seen = {}
    linear = F.linear

    def spy(x: Tensor, weight: Tensor, *rest: Tensor) -> Tensor:
        y = linear(x, weight, *rest)
        if weight is model.text_linear:
            seen["text"] = y
        return y

    F.linear = spy
    try:
        trainee(text, own, user, torch.ones_like(text, dtype=torch.bool), [[], [], []], torch.ones(3, dtype=torch.bool))
    finally:
        F.linear = linear
    # The same tokens are the likeliest where training sees the same past. The first step's late codebooks are no part
    # of that.
    agree = (seen["text"].argmax(-1) == text)[:, 2:]
    assert agree.all(), agree


def test_training_goes_on_from_what_was_exported() -> None:
    model, other = small()[0].model, small()[0].model
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(torch.randn_like(parameter))
    exported = model.exported()
    other.take(exported)
    for name, tensor in other.exported().items():
        assert torch.allclose(tensor, exported[name], atol=1e-5), name


def test_packed_matrices_are_read_as_the_runtime_reads_them() -> None:
    chance, rows, inputs = np.random.default_rng(3), 20, 40  # two panels and two blocks, neither full
    weights, scales = chance.integers(-127, 128, (2, 32, 64)), chance.uniform(0.5, 2, (2, 32, 2)).astype(np.float16)
    parts = []
    for matrix, scale in zip(weights, scales):
        part = b""
        for panel in range(2):
            for block in range(2):
                lines = matrix[16 * panel : 16 * panel + 16, 32 * block : 32 * block + 32] + 128
                part += b"".join(lines[:, 4 * group : 4 * group + 4].astype(np.uint8).tobytes() for group in range(8))
                part += scale[16 * panel : 16 * panel + 16, block].tobytes()
        parts.append(np.frombuffer(part, np.uint8))
    found = unpacked(np.stack(parts), (2 * rows, inputs))
    wanted = weights * np.repeat(scales.astype(np.float32), 32, 2)
    assert np.array_equal(found, wanted[:, :rows, :inputs].reshape(2 * rows, inputs))


def test_added_layers_change_nothing_at_first() -> None:
    model, text = small()[0].model, torch.randint(0, 30, (3, 12))
    own, user = torch.randint(0, 20, (2, 3, 12, 8))
    deeper = dialogue.Dialogue(dataclasses.replace(model.c, layers=5), torch.randn(8, 20, 6))
    state = dialogue.deepened(model.exported(), 5)
    deeper.take(state)
    assert dialogue.layers_of(state) == 5
    before, after = (m.temporal(m.embed(text, own, user)) for m in (model, deeper))
    assert torch.allclose(before, after, atol=1e-5)
    with torch.no_grad():
        for layer in deeper.layers:
            layer.output.add_(0.1)
    assert not torch.allclose(before, deeper.temporal(deeper.embed(text, own, user)), atol=1e-2)


def test_a_mean_has_its_shares_and_may_keep_parts_of_either() -> None:
    from safetensors.torch import load_file

    model = small()[0].model
    with tempfile.TemporaryDirectory() as folder:
        before, after, out = (pathlib.Path(folder) / name for name in ("before", "after", "out"))
        dialogue.save(model, before)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(1)
        dialogue.save(model, after)
        mean(before, after, out, 0.25, of_first=["text_linear"], of_last=["depformer", "linears"])
        old, new, joined = map(load_file, (before, after, out))
    for name, tensor in joined.items():
        if name.startswith(("depformer", "linears")):
            wanted = new[name]
        elif name == "text_linear.weight":
            wanted = old[name]
        else:
            wanted = 0.25 * old[name].float() + 0.75 * new[name].float()
        assert torch.allclose(tensor.float(), wanted.float(), rtol=0.01), name
    assert any(name.startswith("linears") for name in joined) and "text_linear.weight" in joined
    assert all((new[name] != old[name]).any() for name in joined)


def test_half_of_the_questions_come_by_telephone_and_a_fifth_as_they_are() -> None:
    chance = np.random.default_rng(1)
    sound = np.concatenate([chance.standard_normal(RATE // 2) * 0.1, np.zeros(RATE // 2)]).astype(np.float32)
    telephone = untouched = 0
    for _ in range(800):
        given = surroundings(chance, sound)
        power = np.abs(np.fft.rfft(given)) ** 2
        telephone += power[6000:].sum() < 1e-3 * power.sum()
        untouched += np.allclose(given * (sound[0] / given[0]), sound, atol=1e-6)
    assert 0.42 < telephone / 800 < 0.56 and 0.18 < untouched / 800 < 0.32, (telephone, untouched)


def sampler_without_data() -> Conversations:
    sampler = object.__new__(Conversations)
    sampler.frames, sampler.initial = 60, 20
    sampler.silence = np.zeros(8, np.int16)
    return sampler


def sampler_of_one() -> Conversations:
    sampler = sampler_without_data()
    row = dict(begin=3, end=9, answer="Yes.", heard=[7, 8], speaker="flite")
    sampler.items, sampler.weights = [(np.full((14, 8), 5, np.int16), row)], np.ones(1)
    sampler.answers = {"Yes.": (np.full((6, 8), 3, np.int16), [(0, [11]), (3, [12, 13])])}
    sampler.recited = {"any": ["Yes."]}
    return sampler


def test_noise_is_heard_as_often_among_many_questions_as_among_few() -> None:
    for count in (20, 2000):
        rows = (
            [dict(speaker="kokoro", skill="sum")] * count
            + [dict(answer="")] * 5
            + [dict(speaker="foreign", skill="other")] * 3
        )
        shares = Conversations.shares(rows)
        asked, noise, foreign = shares[:count].sum(), shares[count : count + 5].sum(), shares[count + 5 :].sum()
        assert np.isclose(noise / asked, 0.028) and np.isclose(foreign / asked, 0.012) and np.isclose(shares.sum(), 1)


def lessons() -> tuple[Any, ...]:
    return sampler_of_one().batch(3, (1,), 1.0)


def test_a_lesson_answers_each_question_in_text_alone() -> None:
    text, own, user, _, spelled, _ = lessons()
    assert (own == 20).all() and user.shape == (3, 60, 8)
    for tokens, spans in zip(text.tolist(), spelled):
        assert len(spans) > 1
        for _, last, heard in spans:
            end = last - 6
            after = [token for token in tokens[end : end + 10] if token != dialogue.PADDING]
            assert heard == [7, 8] and after[:4] == [dialogue.WORD, 11, 12, 13][: len(after)] and after


def test_a_recital_says_what_has_few_answers_as_often_as_any() -> None:
    sampler = sampler_of_one()
    sampler.answers["A, B."] = (np.full((6, 8), 4, np.int16), [(0, [14])])
    sampler.recited = {"any": ["Yes."], "spell": ["A, B."]}
    sampler.RECITALS = {"any": 0.5, "spell": 0.5}
    text, own, _, taught, _, voiced = sampler.batch(20, (1,), recitals=1.0)
    said = {code: int((own[..., 0] == code).sum()) for code in (3, 4)}
    assert 0.5 < said[3] / said[4] < 2 and not taught.any() and voiced.all()


def test_a_drill_teaches_the_last_word_of_a_fact() -> None:
    sampler = sampler_without_data()
    sampler.said = [np.full((9, 8), 4, np.int16)]
    sampler.facts = [[([11], False), ([12], False), ([13, 14], True)]]
    text, _, _, taught, _, _ = sampler.batch(3, (1,), 0.0, 1.0)
    assert {11, 12, 13, 14} < set(text.flatten().tolist()) and set(text[taught].tolist()) == {13, 14}


def test_in_another_voice_codes_are_near_or_hidden() -> None:
    trainee, user = small()
    trainee.varied = 0.5
    other = trainee.other_voice(user)
    book = torch.arange(8)
    alike = (trainee.blur.near[book, user] == other[..., None]).any(-1)
    assert (alike | (other == 20)).all() and (other != user).any() and (other[..., 0] < 20).all()


def test_what_it_has_said_is_heard_blurred_in_training_and_never_in_a_lesson() -> None:
    trainee, codes = small()
    blurred = trainee.blur(codes, 1.0)
    book = torch.arange(8)
    assert (trainee.blur.near[book, codes] == blurred[..., None]).any(-1).all() and (blurred != codes).any()
    assert (trainee.blur(codes, 0.0) == codes).all()
    heard = []
    trainee.train()
    embed = trainee.model.embed

    def spy(text: torch.Tensor, own: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        heard.append(own)
        return embed(text, own, *rest)

    trainee.model.embed = spy  # type: ignore[assignment, method-assign]
    for batch in (sampler_of_one().batch(3, (1,), 0.0, 0.0, 1.0), lessons()):
        for trainee.own_varied in (0.0, 1.0):
            learnt(trainee, batch)
    recital, blurred_recital, lesson, same_lesson = heard
    assert (recital != blurred_recital).any() and (lesson == same_lesson).all()


def learnt(trainee: Trainee, batch: tuple[Any, ...]) -> tuple[Tensor, dict[str, Tensor]]:
    text, own, user, taught, spelled, voiced = batch
    return trainee(*map(torch.from_numpy, (text, own, user.clip(0, 19), taught)), spelled, torch.from_numpy(voiced))


def test_a_recital_says_each_word_two_frames_after_its_text() -> None:
    text, own, _, taught, _, voiced = sampler_of_one().batch(3, (1,), 0.0, 0.0, 1.0)
    assert voiced.all() and not taught.any() and text.shape == own.shape[:2] == (3, 60)
    assert (np.sum(text == 11, 1) > 3).all() and ((text == 12) == np.roll(text == 11, 3, 1))[:, 3:].all()


def test_recitals_teach_codes_alone() -> None:
    trainee, _ = small()
    loss, parts = learnt(trainee, sampler_of_one().batch(3, (1,), 0.0, 0.0, 1.0))
    loss.backward()
    assert parts["text"] == 0 and parts["first"] > 0
    assert trainee.model.text_linear.grad.abs().max() == 0 and trainee.model.linears.grad.abs().max() > 0


def test_lessons_teach_no_codes() -> None:
    trainee, _ = small()
    loss, parts = learnt(trainee, lessons())
    loss.backward()
    assert torch.isfinite(loss) and parts["first"] == 0 and parts["rest"] == 0
    assert trainee.model.linears.grad.abs().max() == 0 and trainee.model.layers[0].attend.grad.abs().max() > 0


class Numbered(Conversations):
    """Conversations whose batches are the numbers that they were asked with."""

    def __init__(self) -> None:
        pass

    def batch(self, *asked: Any) -> tuple[Any, ...]:
        return np.array([asked[1][-1]]), np.array([True]), [], np.array([asked[2]])


def batches_of(loaders: int) -> list[Any]:
    arguments = argparse.Namespace(seed=1, lessons=0.6, drills=0.5, recitals=0.1, batch=2, loaders=loaders)
    batches = Batches(Numbered(), arguments, 0)
    made = workers.ahead(batches, 3, loaders)
    return [next(made) for _ in range(5)]


def test_batches_made_ahead_are_those_made_in_time() -> None:
    for here, ahead in zip(batches_of(0), batches_of(2)):
        assert [a.tolist() for a in here[0]] == [a.tolist() for a in ahead[0]] and here[2].tolist() == ahead[2].tolist()
    assert [arrays[0].item() for arrays, *_ in batches_of(2)] == [3, 4, 5, 6, 7]


def test_a_quantized_graph_says_for_many_inputs_what_onnx_runtime_says_for_each() -> None:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(2)
    tensors = {
        "w": chance.integers(-90, 90, (8, 6)).astype(np.int8),
        "wz": np.zeros(6, np.int8),
        "ws": np.full(6, 0.01, np.float32),
        "shape": np.array([1, -1]),
    }
    nodes: list[tuple[Any, ...]] = [
        ("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        ("MatMulInteger", ["q", "w", "z", "wz"], ["p"]),
        ("Cast", ["p"], ["f"], dict(to=TensorProto.FLOAT)),
        ("Mul", ["s", "ws"], ["ss"]),
        ("Mul", ["f", "ss"], ["m"]),
        ("Softmax", ["m"], ["n"], dict(axis=-1)),
        ("Reshape", ["n", "shape"], ["y"]),
    ]

    def value(name: str, shape: Sequence[int | str | None]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [
            helper.make_node(kind, inputs, outputs, **(rest[0] if rest else {}))
            for kind, inputs, outputs, *rest in nodes
        ],
        "small",
        [value("x", [1, 5, 8])],
        [value("y", [1, 30])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    x = chance.standard_normal((3, 5, 8)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "small.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
        session = onnxruntime.InferenceSession(str(path))
        expected = np.concatenate([session.run(None, {"x": line[None]})[0] for line in x])
        (found,) = Graph(path)({"x": torch.from_numpy(x)}, "y")
    assert found.shape == expected.shape
    assert np.abs(found.numpy() - expected).max() < 0.02 < expected.std(), np.abs(found.numpy() - expected).max()


if __name__ == "__main__":
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test()
    print("all hold")
