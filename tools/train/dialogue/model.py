"""The dual-stream dialogue model, exactly as the runtime computes it (Moshi, arXiv 2410.00037, section
3.4), for training.

Rows of every token array: text, then own codebooks, then the user's. At step s the model hears the user's first
codebook of frame s and the others of frame s - 1, and predicts text of frame s, its own first codebook of frame s and
the others of frame s - 1 (the delays of Moshi). Arrays are [batch, steps, ...].
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train.dialogue.layers import Layer, RMSNorm
from tools.train.dialogue.packed import weights_of
from tools.train.dialogue.tables import Pieces, Tables

PADDING, WORD = 3, 0  # text tokens: nothing is said; a word begins


@dataclasses.dataclass
class Configuration:
    """Sizes of a dialogue model."""

    width: int = 320
    heads: int = 5
    layers: int = 6
    hidden: int = 864
    context: int = 192
    depth_width: int = 160
    depth_heads: int = 4
    depth_layers: int = 3
    depth_hidden: int = 432
    # Which set of depth weights makes each codebook: the first is semantic, the last four are fine detail.
    schedule: tuple = (0, 1, 1, 1, 2, 2, 2, 2)
    codebooks: int = 8
    cardinality: int = 1024
    text: int = 1000
    max_period: float = 10000

    @classmethod
    def over(cls, vectors: Tensor, layers: int | None = None) -> "Configuration":
        """For the codes of a codec, [codebooks, entries, width]."""
        return cls(cardinality=vectors.shape[1], codebooks=vectors.shape[0], layers=layers or cls.layers)

    def published(self) -> dict[str, Any]:
        """config.json in the published layout."""
        delays = [0] + 2 * ([0] + [1] * (self.codebooks - 1))
        return {
            "model_type": "moshi",
            "dim": self.width,
            "num_heads": self.heads,
            "num_layers": self.layers,
            "hidden_scale": self.hidden * 3 / 2 / self.width,
            "context": self.context,
            "max_period": self.max_period,
            "causal": True,
            "norm": "rms_norm_f32",
            "gating": "silu",
            "positional_embedding": "rope",
            "card": self.cardinality,
            "text_card": self.text,
            "n_q": 2 * self.codebooks,
            "dep_q": self.codebooks,
            "delays": delays,
            "existing_text_padding_id": PADDING,
            "depformer_dim": self.depth_width,
            "depformer_num_heads": self.depth_heads,
            "depformer_num_layers": self.depth_layers,
            "depformer_dim_feedforward": self.depth_hidden * 3 // 2,
            "depformer_multi_linear": True,
            "depformer_gating": "silu",
            "depformer_pos_emb": "none",
            "depformer_weights_per_step": True,
            "depformer_weights_per_step_schedule": list(self.schedule),
            "moshi_name": "model.safetensors",
            "mimi_name": "codec.safetensors",
            "tokenizer_name": "tokenizer.model",
        }


class Dialogue(nn.Module):
    """The temporal transformer over steps, and the depth transformer over the codebooks of a step."""

    def __init__(self, c: Configuration, vectors: Tensor, dropout: float = 0.0) -> None:
        """`vectors` [codebooks, entries, width]: what the codec's codes stand for."""
        super().__init__()
        self.c = c
        n = c.codebooks
        self.text_emb, self.depth_text_emb = Pieces(c.text + 1, c.width), Pieces(c.text + 1, c.depth_width)
        self.own, self.user = Tables(vectors, c.width, n), Tables(vectors, c.width, n)
        self.depth_emb = Tables(vectors, c.depth_width, n - 1)
        self.layers = nn.ModuleList(
            Layer(c.width, c.heads, c.hidden, dropout=dropout, context=c.context) for _ in range(c.layers)
        )
        self.out_norm = RMSNorm(c.width)
        self.text_linear = nn.Parameter(torch.randn(c.text, c.width) / c.width**0.5)
        sets = max(c.schedule) + 1
        self.depth_in = nn.Parameter(torch.randn(sets, c.depth_width, c.width) / c.width**0.5)
        self.depth = nn.ModuleList(
            Layer(c.depth_width, c.depth_heads, c.depth_hidden, sets) for _ in range(c.depth_layers)
        )
        self.linears = nn.Parameter(torch.randn(n, c.cardinality, c.depth_width) * 0.5 / c.depth_width**0.5)
        # Only for training: spells what the user says (blank is the last).
        self.listener = nn.Linear(c.width, c.text + 1)
        half = torch.arange(0, c.width // c.heads, 2) / (c.width // c.heads)
        self.register_buffer("frequencies", c.max_period**-half, persistent=False)

    def embed(self, text: Tensor, own: Tensor, user: Tensor, own_kept: Tensor | None = None) -> Tensor:
        """Tokens text [b, s], own and user [b, s, codebooks] -> [b, s, width]; own codes where `own_kept` is 0
        are not heard.
        """
        mine = self.own.total(own.flatten(0, 1)).view(*text.shape, -1)
        theirs = self.user.total(user.flatten(0, 1)).view(*text.shape, -1)
        if own_kept is not None:
            mine = mine * own_kept[..., None]
        return mine + theirs + self.text_emb(text)

    def temporal(self, x: Tensor, position: int = 0, caches: list[list[Tensor]] | None = None) -> Tensor:
        """[b, s, width] -> hidden states after the last norm. With caches, one step of a stream."""
        steps = torch.arange(position, position + x.shape[1], device=x.device)
        angles = steps[:, None].float() * self.frequencies
        for number, layer in enumerate(self.layers):
            cache = caches[number] if caches is not None else None
            x = layer(x, angles, cache=cache)
            if cache is not None:
                cache[:] = [part[:, :, -(self.c.context - 1) :] for part in cache]
        return self.out_norm(x)

    def depth_logits(self, h: Tensor, text: Tensor, own: Tensor) -> Tensor:
        """Hidden states [n, width], text [n], own codes [n, codebooks] (teacher forced) -> [n, codebooks, entries]."""
        c = self.c
        schedule = list(c.schedule)
        stacked = F.linear(h, self.depth_in.flatten(0, 1)).view(len(h), len(self.depth_in), c.depth_width)
        before = self.depth_emb.each(own[:, :-1])
        x = stacked[:, schedule] + torch.cat([self.depth_text_emb(text)[:, None], before], 1)
        for layer in self.depth:
            x = layer(x, sets=schedule)
        return torch.einsum("nqd,qed->nqe", x.to(self.linears.dtype), self.linears)

    @torch.no_grad()
    def depth_draw(self, h: Tensor, text: Tensor, choose: Callable[[Tensor], Tensor]) -> Tensor:
        """One frame: hidden states [n, width] and text [n] -> own codes [n, codebooks]."""
        c, tables = self.c, self.depth_emb()
        codes: list[Tensor] = []
        caches: list[list[Tensor]] = [[] for _ in self.depth]
        for step, chosen in enumerate(c.schedule):
            x = F.linear(h, self.depth_in[chosen])
            x = x + (self.depth_text_emb(text) if step == 0 else tables[step - 1][codes[-1]])
            x = x[:, None]
            for layer, cache in zip(self.depth, caches):
                x = layer(x, sets=[chosen], cache=cache)
            codes.append(choose(x[:, 0] @ self.linears[step].t()))
        return torch.stack(codes, 1)

    def views(self) -> dict[str, Tensor]:
        """Parameters by their published names, as they lie in memory: all but the tables of codes and of pieces."""
        c, state = self.c, {}
        for number, layer in enumerate(self.layers):
            name = f"transformer.layers.{number}."
            state[name + "norm1.alpha"], state[name + "norm2.alpha"] = layer.norm1.alpha, layer.norm2.alpha
            state[name + "self_attn.in_proj_weight"] = layer.attend[0]
            state[name + "self_attn.out_proj.weight"] = layer.output[0]
            state[name + "gating.linear_in.weight"] = layer.expand[0]
            state[name + "gating.linear_out.weight"] = layer.contract[0]
        state["out_norm.alpha"] = self.out_norm.alpha
        state["text_linear.weight"] = self.text_linear
        for chosen in range(max(c.schedule) + 1):
            state[f"depformer_in.{chosen}.weight"] = self.depth_in[chosen]
        for number, layer in enumerate(self.depth):
            name = f"depformer.layers.{number}."
            state[name + "norm1.alpha"], state[name + "norm2.alpha"] = layer.norm1.alpha, layer.norm2.alpha
            state[name + "self_attn.in_proj_weight"] = layer.attend.flatten(0, 1)
            state[name + "self_attn.out_proj.weight"] = layer.output.flatten(0, 1)
            for chosen in range(max(c.schedule) + 1):
                state[name + f"gating.{chosen}.linear_in.weight"] = layer.expand[chosen]
                state[name + f"gating.{chosen}.linear_out.weight"] = layer.contract[chosen]
        for book in range(c.codebooks):
            state[f"linears.{book}.weight"] = self.linears[book]
        # The runtime does not read these two; a later training does.
        state["listener.weight"], state["listener.bias"] = self.listener.weight, self.listener.bias
        return state

    def named_tables(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Of what is exported as a plain table: its name, what is learnt about each row, and the whole with what
        the maps say.
        """
        n = self.c.codebooks
        for prefix, first, tables in (
            ("emb", 0, self.own),
            ("emb", n, self.user),
            ("depformer_emb", 0, self.depth_emb),
        ):
            yield from (
                (f"{prefix}.{first + book}.weight", tables.own[book], whole) for book, whole in enumerate(tables())
            )
        yield "text_emb.weight", self.text_emb.weight, self.text_emb.table()
        yield "depformer_text_emb.weight", self.depth_text_emb.weight, self.depth_text_emb.table()

    @torch.no_grad()
    def exported(self) -> dict[str, Tensor]:
        """Tensors by their published names."""
        state = self.views() | {name: whole for name, _, whole in self.named_tables()}
        return {name: tensor.detach().contiguous() for name, tensor in state.items()}

    @torch.no_grad()
    def take(self, state: Mapping[str, Tensor]) -> None:
        """Takes exported tensors, to train on from them; what the tables' maps do not explain is learnt about each
        code and piece.
        """
        for name, mine in self.views().items():
            if name in state or not name.startswith("listener"):  # which a packed file does not have
                mine.copy_(state[name].view_as(mine))
        for name, learnt, whole in self.named_tables():
            learnt += state[name].to(whole.device) - whole


class Talk:
    """Many conversations at once, a frame at a time: what the runtime does, in PyTorch."""

    def __init__(
        self,
        model: Dialogue,
        count: int,
        text_choice: Callable[[Tensor], Tensor] | None = None,
        code_choice: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.model, self.count = model, count
        self.caches: list[list[Tensor]] = [[] for _ in model.layers]
        self.choose_text = text_choice or (lambda logits: logits.argmax(-1))
        self.choose_code = code_choice or (lambda logits: logits.argmax(-1))
        c = model.c
        self.text = torch.full((count,), c.text)
        self.own = torch.full((count, c.codebooks), c.cardinality)
        self.user = torch.full((count, c.codebooks), c.cardinality)  # of the frame before
        self.step_number = 0

    @torch.no_grad()
    def step(self, user: Tensor) -> tuple[Tensor, Tensor]:
        """The user's codes of this frame [count, codebooks] -> text [count] and own codes [count,
        codebooks] as predicted.
        """
        c, s = self.model.c, self.step_number
        heard = self.user.clone()
        heard[:, 0] = user[:, 0] if s > 0 else c.cardinality
        if s <= 1:
            heard[:, 1:] = c.cardinality
            self.own[:, 1:] = c.cardinality
        x = self.model.embed(self.text[:, None], self.own[:, None], heard[:, None])
        h = self.model.temporal(x, s, self.caches)[:, 0]
        self.text = self.choose_text(F.linear(h, self.model.text_linear))
        self.own = self.model.depth_draw(h, self.text, self.choose_code)
        self.user = user
        self.step_number += 1
        return self.text, self.own.clone()


def in_step(drawn: Tensor) -> Tensor:
    """Own codes as they were drawn [batch, steps, codebooks], codebook 0 a step before the others -> those of each
    frame, one less.
    """
    return torch.cat([drawn[:, :-1, :1], drawn[:, 1:, 1:]], -1)


def start(model: Dialogue, path: str | Path) -> None:
    """Takes what `save` wrote, as it is or packed, perhaps of a model with fewer layers."""
    model.take(deepened(weights_of(path), model.c.layers))


def layers_of(names: Iterable[str]) -> int:
    """How many layers the temporal transformer has, by the names of exported or trained weights."""
    return 1 + max(int(found[1]) for name in names if (found := re.match(r"(?:transformer\.)?layers\.(\d+)\.", name)))


def deepened(state: dict[str, Tensor], layers: int) -> dict[str, Tensor]:
    """Exported tensors with so many temporal layers; new ones stand evenly between the old, are copies, and add
    nothing at first.
    """
    there = layers_of(state)
    if there == layers:
        return state
    new = {name: tensor for name, tensor in state.items() if not name.startswith("transformer.layers.")}
    place = {round(number * (layers - 1) / (there - 1)): number for number in range(there)}
    for number in range(layers):
        like = number
        while like not in place:
            like -= 1
        prefix = f"transformer.layers.{place[like]}."
        for name in [name for name in state if name.startswith(prefix)]:
            adds = name.endswith(("out_proj.weight", "linear_out.weight"))
            copy = state[name] if like == number or not adds else torch.zeros_like(state[name])
            new[f"transformer.layers.{number}." + name.removeprefix(prefix)] = copy
    return new


def save(model: Dialogue, path: str | Path) -> None:
    """Matrices in bf16, norms in f32, as safetensors."""
    from safetensors.torch import save_file

    tensors = {
        name: tensor.float() if tensor.dim() != 2 else tensor.bfloat16() for name, tensor in model.exported().items()
    }
    save_file(tensors, str(path), metadata={"format": "pt"})


def configuration_file(c: Configuration, path: str | Path, sampling: Mapping[str, Any]) -> None:
    """Writes config.json in the published layout."""
    with open(path, "w") as file:
        json.dump(c.published() | {"lm_gen_config": sampling}, file, indent=2)
        file.write("\n")
