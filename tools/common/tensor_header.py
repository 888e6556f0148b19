"""What a safetensors file begins with. The standard library is enough for it."""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any


def header(
    entries: Iterable[tuple[str, str, tuple[int, ...], int]],
    metadata: Mapping[str, str] | None = None,
    separators: tuple[str, str] | None = None,
) -> bytes:
    """The length of the header, and the header, padded with spaces to a multiple of eight bytes.

    `entries` are name, type, shape and number of bytes of each tensor; their contents follow in the same order.
    `separators` are those of `json.dumps`.
    """
    described: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, kind, shape, size in entries:
        described[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(described, separators=separators).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
