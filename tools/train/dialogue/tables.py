"""Embeddings that are learnt with a map of what is known of codes and pieces, and exported as plain tables."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Tables(nn.Module):
    """Embeddings of codes: the codec's own vectors through a learnt map, plus what is learnt about each code.

    Exported, it is a plain table. Codes that sound alike start alike, so rare ones need not be learnt one by one.
    """

    def __init__(self, vectors: Tensor, width: int, count: int) -> None:
        super().__init__()
        books, entries, inner = vectors.shape
        scaled = vectors[:count] / vectors[:count].std((1, 2), keepdim=True)
        self.register_buffer("vectors", F.pad(scaled, (0, 0, 0, 1)), persistent=False)
        self.register_buffer("first", torch.arange(count) * (entries + 1), persistent=False)
        self.map = nn.Parameter(torch.randn(count, inner, width) * 0.4 / inner**0.5)
        self.own = nn.Parameter(torch.zeros(count, entries + 1, width))

    def forward(self) -> Tensor:
        """[books, entries + 1, width]; the last row is the initial token."""
        return self.own + torch.bmm(self.vectors, self.map)

    # The whole table is much larger than what a batch looks up: these two never make it.

    def each(self, codes: Tensor) -> Tensor:
        """Codes [n, books] -> [n, books, width]."""
        places = codes + self.first
        known = torch.einsum("nbi,biw->nbw", F.embedding(places, self.vectors.flatten(0, 1)), self.map)
        return F.embedding(places, self.own.flatten(0, 1)) + known

    def total(self, codes: Tensor) -> Tensor:
        """Codes [n, books] -> the sum over books [n, width]."""
        places = codes + self.first
        known = F.embedding(places, self.vectors.flatten(0, 1)).flatten(1) @ self.map.flatten(0, 1)
        return F.embedding_bag(places, self.own.flatten(0, 1), mode="sum") + known


ALPHABET, PLACES = 26, (0, 1, 2, 3, 4, 5, 6, -1, -2, -3)  # of a piece's letters, those that are told


class Pieces(nn.Module):
    """Embeddings of text pieces: what is learnt about each, plus what its letters say through a learnt map.

    Exported, it is a plain table. Most words are one piece; by their letters, what is learnt of saying
    one serves others.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(count, width) * 0.3)
        self.map = nn.Parameter(torch.zeros(ALPHABET * len(PLACES), width))
        self.register_buffer("letters", torch.zeros(count, ALPHABET * len(PLACES)))

    def forward(self, pieces: Tensor) -> Tensor:
        return F.embedding(pieces, self.weight) + F.embedding(pieces, self.letters) @ self.map

    def table(self) -> Tensor:
        """The whole table [pieces, width]."""
        return self.weight + self.letters @ self.map


def letters_of(pieces: Sequence[str]) -> Tensor:
    """Which letters stand where in each of the pieces [pieces + 1, letters of all places]; the last is
    the initial token's.
    """
    found = torch.zeros(len(pieces) + 1, len(PLACES), ALPHABET)
    for row, piece in enumerate(pieces):
        letters = [ord(letter) - ord("a") for letter in piece.lower() if "a" <= letter <= "z"]
        for column, place in enumerate(PLACES):
            if -len(letters) <= place < len(letters) and not piece.startswith("<"):
                found[row, column, letters[place]] = 1
    return found.flatten(1)
