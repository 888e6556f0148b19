"""Safetensors files whose header must be exactly so; others are read and written by the `safetensors` package."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.common.tensor_header import header

TYPES = {"float32": "F32", "float16": "F16", "int32": "I32"}
ARRAYS = {"F32": np.float32, "F16": np.float16, "I32": np.int32}


@dataclass
class Tensor:
    """A tensor as a file holds it: `kind` is the format's name of the type (F32, BF16, U32, ...)."""

    kind: str
    shape: tuple[int, ...]
    content: bytes

    @classmethod
    def of(cls, array: np.ndarray) -> "Tensor":
        """An array of f32, f16 or i32."""
        return cls(TYPES[str(array.dtype)], array.shape, np.ascontiguousarray(array).tobytes())


def write(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None = None,
    separators: tuple[str, str] | None = None,
) -> None:
    """Writes tensors in their order."""
    entries = ((name, tensor.kind, tensor.shape, len(tensor.content)) for name, tensor in tensors.items())
    with open(path, "wb") as file:
        file.write(header(entries, metadata, separators))
        for tensor in tensors.values():
            file.write(tensor.content)


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays of f32, f16 or i32."""
    write(path, {name: Tensor.of(array) for name, array in arrays.items()})


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays of f32, f16 and i32 by name, in the types of the file, and the file's metadata."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        described = json.loads(file.read(length))
        body = file.read()
    metadata = described.pop("__metadata__", {})
    arrays = {}
    for name, entry in described.items():
        first, last = entry["data_offsets"]
        arrays[name] = np.frombuffer(body[first:last], ARRAYS[entry["dtype"]]).reshape(entry["shape"])
    return arrays, metadata
