"""What drafts a frame or two ahead of the dialogue model: small modules after its last norm, and their file.

In step s the model draws a column: text s, codebook 0 of frame s and the other codebooks of frame s - 1. Module 1 reads
the hidden state h_s and that column's embedding e_s (what the model will be given of its own in step s + 1),

    g_s = out_norm(Layer(W [norm_e(e_s); norm_h(h_s)]))

and the model's own text head and depth transformer, as they are, draw column s + 1 from g_s. Module 2 has the same form
and weights of its own: it reads g_s and the embedding of the column that module 1 drafted, and gives column s + 2. The
layer is like one of the model's and sees the last `window` steps.
"""

import copy
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.common import tensor_files
from tools.train.dialogue.frozen import Frozen, Window
from tools.train.dialogue.layers import Layer, RMSNorm

FILE = "drafter.safetensors"


class Module(nn.Module):
    """Drafts one column further than what it reads."""

    def __init__(self, width: int, heads: int, hidden: int, window: int) -> None:
        super().__init__()
        self.norm_e, self.norm_h, self.out_norm = RMSNorm(width), RMSNorm(width), RMSNorm(width)
        self.proj = nn.Parameter(torch.randn(width, 2 * width) / (2 * width) ** 0.5)
        self.layer = Layer(width, heads, hidden, context=window)

    def joined(self, e: Tensor, h: Tensor) -> Tensor:
        """What the layer is given, [..., width]."""
        return F.linear(torch.cat([self.norm_e(e).view_as(e), self.norm_h(h).view_as(h)], -1), self.proj)

    def forward(self, e: Tensor, h: Tensor, angles: Tensor) -> Tensor:
        """Columns and hidden states of all steps [batch, steps, width] -> g of all steps."""
        return self.out_norm(self.layer(self.joined(e, h), angles))

    def views(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters by their names in the file."""
        layer = self.layer
        yield from (("norm_e.alpha", self.norm_e.alpha), ("norm_h.alpha", self.norm_h.alpha))
        yield "proj.weight", self.proj
        yield "layer.norm1.alpha", layer.norm1.alpha
        yield "layer.self_attn.in_proj_weight", layer.attend[0]
        yield "layer.self_attn.out_proj.weight", layer.output[0]
        yield "layer.norm2.alpha", layer.norm2.alpha
        yield "layer.gating.linear_in.weight", layer.expand[0]
        yield "layer.gating.linear_out.weight", layer.contract[0]
        yield "out_norm.alpha", self.out_norm.alpha


class Drafter(nn.Module):
    """One or two modules over a frozen model."""

    def __init__(self, frozen: Frozen, modules: int, window: int) -> None:
        super().__init__()
        c = frozen.c
        self.frozen, self.window = frozen, window
        self.frequencies = frozen.model.frequencies
        self.parts = nn.ModuleList(Module(c.width, c.heads, c.hidden, window) for _ in range(modules))

    @torch.no_grad()
    def begin_as(self, number: int, size: float) -> None:
        """Module 0 begins as the last temporal layer, given the normed h at its usual `size` (RMS) and a little of
        e; another begins as the module before.
        """
        part, model = self.part(number), self.frozen.model
        if number:
            part.load_state_dict(self.part(number - 1).state_dict())
            return
        last = model.layers[-1]
        assert isinstance(last, Layer)
        part.layer.load_state_dict(copy.deepcopy(last.state_dict()))
        part.out_norm.alpha.copy_(model.out_norm.alpha)
        width = len(part.proj)
        noise = 0.1 * torch.randn(width, width) / width**0.5
        part.proj.copy_(size * torch.cat([noise, torch.eye(width)], 1))

    def part(self, number: int) -> Module:
        """Module `number`, from 0."""
        part = self.parts[number]
        assert isinstance(part, Module)
        return part

    def angles(self, steps: int) -> Tensor:
        return torch.arange(steps)[:, None].float() * self.frequencies

    def views(self) -> dict[str, Tensor]:
        """Parameters by their names in the file."""
        return {
            f"modules.{number}.{name}": tensor
            for number in range(len(self.parts))
            for name, tensor in self.part(number).views()
        }

    def save(self, path: str | Path, half: bool = False) -> None:
        """Writes drafter.safetensors, in f32, or its matrices in f16."""
        arrays = {}
        for name, tensor in self.views().items():
            array = tensor.detach().float().contiguous()
            if name.endswith("alpha"):
                arrays[name] = array.flatten().numpy()
            else:
                arrays[name] = (array.half() if half else array).numpy()
        tensor_files.write_arrays(path, arrays)

    @torch.no_grad()
    def take(self, path: str | Path) -> None:
        """Reads what `save` wrote; modules that the file has not stay as they are."""
        arrays, _ = tensor_files.read(path)
        for name, mine in self.views().items():
            if name in arrays:
                mine.copy_(torch.from_numpy(arrays[name].copy()).view_as(mine))


def read(path: str | Path, frozen: Frozen, window: int) -> Drafter:
    """A drafter from its file."""
    arrays, _ = tensor_files.read(path)
    drafter = Drafter(frozen, len({name.split(".")[1] for name in arrays}), window)
    drafter.take(path)
    return drafter.eval()


class Drafting:
    """A drafter as a stream beside its model, `count` conversations at once.

    In the step that was just made module 2 reads what module 1 drafted. A step that the model made later, because its
    column was a draft, is caught up: what module 2 remembers of it comes from the column that is remembered.
    """

    def __init__(self, drafter: Drafter, count: int) -> None:
        self.drafter, self.s = drafter, 0
        self.states: list[Tensor] = []  # of the step before: g of each module
        self.windows = [
            Window(drafter.part(number).layer, drafter.frequencies, drafter.window, count)
            for number in range(len(drafter.parts))
        ]

    @torch.no_grad()
    def step(
        self, h: Tensor, text: Tensor, own: Tensor, late: Tensor | None = None, keep: list[Tensor] | None = None
    ) -> Tensor:
        """Hidden states [count, width], the column of this step as it is remembered, and whether the step before was
        made late [count] -> what each module drafts [count, modules, 1 + codebooks], text first. `keep` gets the
        logits of all of it.
        """
        frozen, states, columns = self.drafter.frozen, [], []
        column = frozen.column(text, own)
        if late is not None and self.s > 0:
            for number, window in enumerate(self.windows[1:]):
                part = self.drafter.part(number + 1)
                window.replace(part.joined(column, self.states[number]), self.s - 1, late)
        for number, window in enumerate(self.windows):
            part = self.drafter.part(number)
            h = part.out_norm(window.step(part.joined(column, h), self.s)).view_as(h)
            logits = frozen.text_logits(h)
            if keep is not None:
                keep.append(logits)
            text = logits.argmax(-1)
            own = frozen.draw(h, text, keep)
            column = frozen.column(text, own)
            states.append(h)
            columns.append(torch.cat([text[:, None], own], 1))
        self.states, self.s = states, self.s + 1
        return torch.stack(columns, 1)


def digest(state: Mapping[str, Tensor]) -> str:
    """Which model a drafter belongs to: FNV-1a, 64 bits, over the temporal norms of its file as little-endian f32."""
    layers = sum(name.startswith("transformer.layers.") and name.endswith("norm1.alpha") for name in state)
    names = ["out_norm.alpha"]
    for number in range(layers):
        names += [f"transformer.layers.{number}.norm{which}.alpha" for which in (1, 2)]
    found = 0xCBF29CE484222325
    for name in names:
        values = state[name].float().flatten().tolist()
        for byte in struct.pack(f"<{len(values)}f", *values):
            found = (found ^ byte) * 0x100000001B3 % 2**64
    return f"{found:016x}"


def described(configuration: Mapping[str, Any], modules: int, window: int, backbone: str) -> dict[str, Any]:
    """A model's config.json with its drafter."""
    return dict(configuration) | {
        "mctp": {"file": FILE, "modules": modules, "window": window, "user": "none", "backbone": backbone}
    }


def describe(source: Path, target: Path, modules: int, window: int, backbone: str) -> None:
    """Writes the config.json of one directory, with a drafter, into another."""
    text = json.dumps(described(json.loads((source / "config.json").read_text()), modules, window, backbone), indent=2)
    (target / "config.json").write_text(text + "\n")
