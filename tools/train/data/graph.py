"""A quantized ONNX graph as a PyTorch function: on a GPU, and for many inputs of one length at once.

Only what Kokoro's graph needs. Activations stay floats where ONNX Runtime rounds them to 8 bits, so results are a
little nearer to the model's before it was quantized. Shapes and other integers are computed on the CPU.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

KINDS = {1: torch.float32, 7: torch.int64, 9: torch.bool}


class Graph:
    """An ONNX graph; its methods in capitals are the operators that need more than a function of PyTorch."""

    def __init__(self, path: str | Path, device: str = "cpu") -> None:
        self.device = torch.device(device)
        graph = onnx.load(str(path)).graph
        self.constants = {tensor.name: self.constant(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
        self.nodes = [
            (
                node.op_type,
                list(node.input),
                list(node.output),
                {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute},
            )
            for node in graph.node
        ]
        self.makers = {name: number for number, (_, _, outputs, _) in enumerate(self.nodes) for name in outputs}
        self.plans: dict[tuple, list[tuple]] = {}
        self.weights: dict[str, Any] = {}

    def constant(self, array: np.ndarray) -> Tensor:
        """An initializer as a tensor: floats on the device, other numbers on the CPU."""
        array = np.array(array)
        if array.dtype in (np.int8, np.uint8, np.float32):
            return torch.from_numpy(array).to(self.device, torch.float32)
        return torch.from_numpy(array)

    def plan(self, given: tuple[str, ...], wanted: tuple[str, ...]) -> list[tuple]:
        """The nodes that lie between, in order, and what each is the last to read."""
        if (given, wanted) not in self.plans:
            needed, open_names = set(), list(wanted)
            while open_names:
                name = open_names.pop()
                number = self.makers.get(name)
                if name in given or number is None or number in needed:
                    continue
                needed.add(number)
                open_names += self.nodes[number][1]
            order, last = sorted(needed), {}
            for number in order:
                for name in self.nodes[number][1]:
                    last[name] = number
            ends: dict[int, list[str]] = {}
            for name, number in last.items():
                if name not in wanted:
                    ends.setdefault(number, []).append(name)
            self.plans[given, wanted] = [(*self.nodes[number], ends.get(number, ())) for number in order]
        return self.plans[given, wanted]

    @torch.inference_mode()
    def __call__(self, given: Mapping[str, Tensor], *wanted: str) -> list[Tensor]:
        """Tensors by name -> the tensors of the wanted names. The first axis of what is given may be longer than
        the graph's 1.
        """
        values = dict(given)
        self.batch = len(next(iter(given.values())))
        for kind, inputs, outputs, attributes, ends in self.plan(tuple(given), wanted):
            read = [values[name] if name in values else self.constants.get(name) for name in inputs]
            if kind in ("ConvInteger", "MatMulInteger", "DynamicQuantizeLSTM"):
                read.append(inputs[1])
            result = (
                getattr(self, kind)(*read, **attributes) if hasattr(self, kind) else PLAIN[kind](*read, **attributes)
            )
            for name, value in zip(outputs, result if isinstance(result, tuple) else (result,)):
                values[name] = value
            for name in ends:
                values.pop(name, None)
        return [values[name] for name in wanted]

    # What the first axis may turn out longer in than the graph says.

    def Reshape(self, x: Tensor, shape: Tensor, allowzero: int = 0) -> Tensor:
        shape = [x.shape[axis] if size == 0 else size for axis, size in enumerate(shape.tolist())]
        known = int(np.prod([size for size in shape if size > 0]))
        if (
            self.batch > 1
            and shape[0] == 1
            and x.shape[0] == self.batch
            and (-1 in shape or known * self.batch == x.numel())
        ):
            shape[0] = self.batch
        return x.reshape(shape)

    def Expand(self, x: Tensor, shape: Tensor) -> Tensor:
        if self.batch > 1 and len(x) == self.batch and x.dim() < len(shape):
            x = x[:, None]
        return x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist())))

    # What is quantized: the input stays as it is, at a scale of 1 with a zero point of 0.

    def DynamicQuantizeLinear(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        one = x.new_ones(())
        return x, one, 0 * one

    def weight(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, kept by name."""
        if name not in self.weights:
            self.weights[name] = make()
        return self.weights[name]

    def MatMulInteger(self, x: Tensor, w: Tensor, _: Tensor, zero: Tensor, name: str) -> Tensor:
        return x @ self.weight(name, lambda: w - zero)

    def ConvInteger(
        self,
        x: Tensor,
        w: Tensor,
        _: Tensor,
        zero: Tensor,
        name: str,
        *,
        strides: Sequence[int],
        pads: Sequence[int],
        dilations: Sequence[int],
        group: int,
        **others: Any,
    ) -> Tensor:
        weight = self.weight(name, lambda: w - zero)
        return F.conv1d(x, weight, None, strides, pads[0], dilations, group)

    def DynamicQuantizeLSTM(
        self,
        x: Tensor,
        w: Tensor,
        r: Tensor,
        bias: Tensor,
        _lengths: Tensor,
        h: Tensor,
        c: Tensor,
        _peephole: Tensor,
        w_scale: Tensor,
        _w_zero: Tensor,
        r_scale: Tensor,
        _r_zero: Tensor,
        name: str,
        *,
        hidden_size: int,
        **others: Any,
    ) -> Tensor:
        def make() -> torch.nn.LSTM:
            lstm = torch.nn.LSTM(w.shape[1], hidden_size, bidirectional=True).to(self.device)
            order = torch.cat([torch.arange(hidden_size) + part * hidden_size for part in (0, 2, 3, 1)]).to(self.device)
            for direction, suffix in enumerate(("", "_reverse")):
                parts = {
                    "weight_ih": (w[direction] * w_scale[direction]).t(),
                    "weight_hh": (r[direction] * r_scale[direction]).t(),
                    "bias_ih": bias[direction, : 4 * hidden_size],
                    "bias_hh": bias[direction, 4 * hidden_size :],
                }
                for part, values in parts.items():
                    getattr(lstm, f"{part}_l0{suffix}").data.copy_(values[order])
            lstm.flatten_parameters()
            return lstm

        y, _ = self.weight(name, make)(x)
        return y.unflatten(-1, (2, hidden_size)).transpose(1, 2)

    def DequantizeLinear(self, x: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
        return (x - zero) * scale

    def ConstantOfShape(self, shape: Tensor, value: Any) -> Tensor:
        array = numpy_helper.to_array(value)
        made = torch.full(shape.tolist(), array.item(), dtype=torch.from_numpy(array.copy()).dtype)
        return made.to(self.device) if made.is_floating_point() else made

    def Cast(self, x: Tensor, to: int, **others: Any) -> Tensor:
        if to == 6:  # int32: a bias, rounded to steps of the input's scale. That is 1 here, so it is left as it is.
            return x
        kind = KINDS[to]
        return x.to(self.device, kind) if kind.is_floating_point else x.to(kind)

    def Floor(self, x: Tensor) -> Tensor:
        return x if x.dim() == 1 else x.floor()

    def Gather(self, x: Tensor, index: Tensor, axis: int = 0) -> Tensor:
        index = index.to(x.device, torch.int64)
        y = x.index_select(axis, torch.where(index < 0, index + x.shape[axis], index).reshape(-1))
        return y.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def slice_of(
    x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor | None = None, steps: Tensor | None = None
) -> Tensor:
    axes = axes.tolist() if axes is not None else range(len(starts))
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes):
        cut = [slice(None)] * x.dim()
        cut[axis] = slice(start, end)
        x = x[tuple(cut)]
    return x


def squeezed(x: Tensor, axes: Tensor) -> Tensor:
    for axis in sorted((axis % x.dim() for axis in axes.tolist()), reverse=True):
        x = x.squeeze(axis)
    return x


def unsqueezed(x: Tensor, axes: Tensor) -> Tensor:
    for axis in sorted(axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def resized(x: Tensor, _: Tensor, scales: Tensor, mode: bytes, **others: Any) -> Tensor:
    size = int(np.floor(x.shape[-1] * float(scales[-1]) + 1e-3))
    return (
        F.interpolate(x, size, mode="nearest")
        if mode == b"nearest"
        else F.interpolate(x, size, mode="linear", align_corners=False)
    )


def padded(x: Tensor, pads: Tensor, *others: Tensor, mode: bytes) -> Tensor:
    half = len(pads) // 2
    return F.pad(x, (int(pads[half - 1]), int(pads[-1])), mode=mode.decode())


def transformed(x: Tensor, step: Tensor, window: Tensor, size: Tensor, onesided: int) -> Tensor:
    # Where all is silent, the graph divides one part by the other.
    return torch.view_as_real(torch.fft.rfft(x.unfold(-1, int(size), int(step)) * window) + 1e-9)


def transposed_convolution(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    group: int,
    output_padding: Sequence[int] = (0,),
    **others: Any,
) -> Tensor:
    return F.conv_transpose1d(x, w, bias, strides, pads[0], output_padding[0], group)


def multiplied(a: Tensor, b: Tensor, transA: int = 0, transB: int = 0, alpha: float = 1.0, **others: Any) -> Tensor:
    return (a.transpose(-1, -2) if transA else a) @ (b.transpose(-1, -2) if transB else b) * alpha


def whole(a: Tensor, b: Tensor) -> Tensor:
    return torch.div(a, b, rounding_mode="floor") if not (a.is_floating_point() or b.is_floating_point()) else a / b


def chosen(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(condition, a.to(b.dtype) if a.dim() == 0 else a, b)


PLAIN = {
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Div": whole,
    "Pow": torch.pow,
    "Sqrt": torch.sqrt,
    "Sin": torch.sin,
    "Cos": torch.cos,
    "Exp": torch.exp,
    "Atan": torch.atan,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "Round": torch.round,
    "Equal": torch.eq,
    "Greater": torch.gt,
    "Less": torch.lt,
    "And": torch.logical_and,
    "GreaterOrEqual": torch.ge,
    "MatMul": torch.matmul,
    "FusedMatMul": multiplied,
    "Where": chosen,
    "Slice": slice_of,
    "Squeeze": squeezed,
    "Unsqueeze": unsqueezed,
    "Resize": resized,
    "Pad": padded,
    "STFT": transformed,
    "ConvTranspose": transposed_convolution,
    "Shape": lambda x, start=0: torch.tensor(x.shape),
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Transpose": lambda x, perm: x.permute(perm),
    "Split": lambda x, sizes, axis: tuple(x.split(sizes.tolist(), axis)),
    "ReduceMean": lambda x, axes, keepdims=1, **others: x.mean(axes.tolist(), bool(keepdims)),
    "ReduceSum": lambda x, axes, keepdims=1, **others: x.sum(axes.tolist(), bool(keepdims)),
    "Softmax": lambda x, axis: x.softmax(axis),
    "LeakyRelu": lambda x, alpha: F.leaky_relu(x, alpha),
    "FastGelu": lambda x, *bias: F.gelu(x if not bias else x + bias[0], approximate="tanh"),
    "Clip": lambda x, low, high=None: x.clamp(min=low),
    "LayerNormalization": lambda x, w, b, axis, epsilon, **others: F.layer_norm(x, w.shape, w, b, epsilon),
    "SkipLayerNormalization": lambda x, y, w, b, epsilon: F.layer_norm(x + y, w.shape, w, b, epsilon),
    "Conv": lambda x, w, b, strides, pads, dilations, group, **others: F.conv1d(
        x, w, b, strides, pads[0], dilations, group
    ),
    "Range": torch.arange,
    "CumSum": lambda x, axis, **others: x.cumsum(int(axis)),
}
