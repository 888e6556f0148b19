"""One tiny model as other programs' quantized files: candle's GGUF Q8_0, and MLX of 8 and 4 bits. Needs numpy only.

The weights are random, rounded once to 16 levels per block of 32, with scales that are powers of two: every format
here can hold them exactly, so that a reader is right only if it finds the same numbers in all of them.

    python -m tools.reference.golden_quantized [--check] [--to DIRECTORY]
"""

import argparse
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tools.common import tensor_files
from tools.common.places import REPOSITORY

GOLDEN = REPOSITORY / "Assets" / "golden"
CONFIG: dict[str, Any] = {
    "model_type": "moshi",
    "causal": True,
    "context": 8,
    "max_period": 10000,
    "gating": "silu",
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_gating": "silu",
    "depformer_pos_emb": "none",
    "depformer_weights_per_step": True,
    "dim": 64,
    "num_heads": 2,
    "num_layers": 1,
    "card": 32,
    "text_card": 31,
    "n_q": 3,
    "dep_q": 2,
    "delays": [0, 0, 1, 0],
    "depformer_dim": 32,
    "depformer_num_heads": 2,
    "depformer_num_layers": 1,
    "depformer_dim_feedforward": 48,
}
BLOCK = 32


class Maker:
    """Matrices as levels of 4 bits and a scale per block."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def matrix(self, rows: int, columns: int, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Levels from -8 to 7 [rows, columns], and a scale for each block of a row."""
        levels = self.random.integers(-8, 8, (rows, columns))
        # Two blocks share a scale, as the groups of MLX's 8 bits need it.
        powers = self.random.integers(-2, 1, (rows, -(-columns // 64)))
        base = np.floor(np.log2(size / np.sqrt(columns) / 4.6))
        scales = np.repeat(2.0 ** (base + powers), 2, axis=1)[:, : columns // BLOCK]
        return levels, scales


def numbers(levels: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The matrix that levels and scales stand for."""
    return (levels * np.repeat(scales, BLOCK, axis=1)).astype(np.float32)


def bf16(values: np.ndarray) -> bytes:
    """Bytes of values that bf16 holds exactly."""
    bits = values.astype(np.float32).view(np.uint32)
    assert not (bits & 0xFFFF).any(), "not exact in bf16"
    return (bits >> 16).astype("<u2").tobytes()


def write_tensors(path: Path, tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> None:
    """Writes a safetensors file; tensors are type, shape and content."""
    tensor_files.write(
        path, {name: tensor_files.Tensor(*parts) for name, parts in tensors.items()}, separators=(",", ":")
    )


def gguf(path: Path, tensors: dict[str, tuple[int, tuple[int, ...], bytes]]) -> None:
    """Version 2, as candle writes it: no keys, data at multiples of 32."""
    header, data = b"GGUF" + struct.pack("<IQQ", 2, len(tensors), 0), b""
    for name, (kind, shape, content) in tensors.items():
        data += b"\0" * (-len(data) % 32)
        header += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(shape))
        header += b"".join(struct.pack("<Q", size) for size in reversed(shape))
        header += struct.pack("<IQ", kind, len(data))
        data += content
    path.write_bytes(header + b"\0" * (-len(header) % 32) + data)


def q8_0(levels: np.ndarray, scales: np.ndarray) -> bytes:
    """A matrix as blocks of GGUF's Q8_0: a half-precision scale, then 32 bytes."""
    # Sixteen steps for one: the whole range of a byte is used.
    bytes_ = (levels * 16).astype(np.int8).reshape(levels.shape[0], -1, BLOCK)
    halves = (scales / 16).astype("<f2").reshape(*scales.shape, 1)
    return np.concatenate([halves.view(np.int8).reshape(*scales.shape, 2), bytes_], axis=2).tobytes()


def mlx(levels: np.ndarray, scales: np.ndarray, bits: int) -> tuple[bytes, bytes, bytes]:
    """weight (uint32, lowest bits first), scales, biases."""
    step, group = (1, 32) if bits == 4 else (8, 64)
    q = (levels * step + (8 if bits == 4 else 128)).astype(np.uint32)
    per_word = 32 // bits
    words = np.zeros((q.shape[0], q.shape[1] // per_word), np.uint32)
    for i in range(per_word):
        words |= q[:, i::per_word] << np.uint32(i * bits)
    kept = scales[:, :: group // BLOCK] / step
    return words.astype("<u4").tobytes(), bf16(kept), bf16(-kept * (8 if bits == 4 else 128))


def make() -> dict[str, tuple[np.ndarray, np.ndarray] | np.ndarray]:
    """The model in candle's names: matrices as levels and scales, norms as floats."""
    c, maker = CONFIG, Maker(11)
    d, D = c["dim"], c["depformer_dim"]
    hidden, H = 64, c["depformer_dim_feedforward"] * 2 // 3
    model: dict = {"text_emb.weight": maker.matrix(c["text_card"] + 1, d, 8)}
    for i in range(c["n_q"]):
        model[f"emb.{i}.weight"] = maker.matrix(c["card"] + 1, d, 8)

    def layer(name: str, width: int, inner: int) -> None:
        model[f"{name}.norm1.alpha"] = np.ones((1, 1, width), np.float32)
        model[f"{name}.norm2.alpha"] = np.ones((1, 1, width), np.float32)
        model[f"{name}.self_attn.in_proj_weight"] = maker.matrix(3 * width, width, 2)
        model[f"{name}.self_attn.out_proj.weight"] = maker.matrix(width, width)
        model[f"{name}.gating.linear_in.weight"] = maker.matrix(2 * inner, width, 2)
        model[f"{name}.gating.linear_out.weight"] = maker.matrix(width, inner)

    layer("transformer.layers.0", d, hidden)
    model["out_norm.alpha"] = np.ones((1, 1, d), np.float32)
    model["text_linear.weight"] = maker.matrix(c["text_card"], d, 4)
    for k in range(c["dep_q"]):
        model[f"depformer.{k}.linear_in.weight"] = maker.matrix(D, d)
        model[f"depformer.{k}.linear_out.weight"] = maker.matrix(c["card"], D, 4)
        model[f"depformer.{k}.emb.weight"] = maker.matrix(c["text_card"] + 1 if k == 0 else c["card"] + 1, D, 4)
        layer(f"depformer.{k}.transformer.layers.0", D, H)
    return model


def mlx_name(name: str) -> str:
    """A candle name as MLX's files have it."""
    if name.startswith("emb."):
        name = "audio_embs." + name[4:]
    elif name.startswith("depformer."):
        name = "depformer.slices." + name[10:]
    return name.replace(".alpha", ".weight").replace("in_proj_weight", "in_proj.weight")


def write(folder: Path, name: str) -> None:
    """Writes the configuration that names the weights file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | {"moshi_name": name}, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="also read the GGUF file with the gguf package")
    parser.add_argument("--to", type=Path, default=GOLDEN, help="instead of Assets/golden")
    options = parser.parse_args()
    root = options.to / "tiny-quantized"
    model = make()
    write(root / "plain", "model.safetensors")
    plain = {
        name: ("BF16", value.shape, bf16(value))
        if isinstance(value, np.ndarray)
        else ("BF16", value[0].shape, bf16(numbers(*value)))
        for name, value in model.items()
    }
    write_tensors(root / "plain" / "model.safetensors", plain)

    write(root / "gguf", "model.q8.gguf")
    blocks = {
        name: (0, value.shape, value.tobytes())
        if isinstance(value, np.ndarray)
        # Some rows are no multiple of the block: one exporter leaves such tables as floats.
        else (0, value[0].shape, numbers(*value).tobytes())
        if "emb" in name and value[0].shape[0] % BLOCK
        else (8, value[0].shape, q8_0(*value))
        for name, value in model.items()
    }
    gguf(root / "gguf" / "model.q8.gguf", blocks)

    for bits in (8, 4):
        write(root / f"mlx-q{bits}", f"model.q{bits}.safetensors")
        tensors: dict = {}
        for name, value in model.items():
            name = mlx_name(name)
            if isinstance(value, np.ndarray):
                tensors[name] = ("BF16", (value.size,), bf16(value))
            elif bits == 8 and value[0].shape[1] % 64:
                tensors[name] = ("BF16", value[0].shape, bf16(numbers(*value)))
            else:
                weight, scales, biases = mlx(value[0], value[1], bits)
                rows, columns = value[0].shape
                stem, groups = name.removesuffix(".weight"), columns // (32 if bits == 4 else 64)
                tensors[name] = ("U32", (rows, columns * bits // 32), weight)
                tensors[stem + ".scales"] = ("BF16", (rows, groups), scales)
                tensors[stem + ".biases"] = ("BF16", (rows, groups), biases)
        write_tensors(root / f"mlx-q{bits}" / f"model.q{bits}.safetensors", tensors)

    if options.check:
        import gguf as package

        found = {tensor.name: tensor for tensor in package.GGUFReader(root / "gguf" / "model.q8.gguf").tensors}
        assert found.keys() == model.keys()
        for name, value in model.items():
            expected = value if isinstance(value, np.ndarray) else numbers(*value)
            got = package.quants.dequantize(found[name].data, found[name].tensor_type)
            assert np.array_equal(got.reshape(expected.shape), expected), name
        print(f"the gguf package reads the same numbers: {len(found)} tensors")
    for path in sorted(root.rglob("model*")):
        print(f"  {path.stat().st_size:>7} bytes  {path.relative_to(root)}")


if __name__ == "__main__":
    main()
