"""Codes that only sound like those that were there."""

import torch
from torch import Tensor, nn


class Blur(nn.Module):
    """Replaces codes by others that are near to them."""

    def __init__(self, vectors: Tensor, most: int) -> None:
        """`vectors` [codebooks, entries, width]: what the codes stand for; of `most` entries, those nearest to the
        code, one is drawn.
        """
        super().__init__()
        near = torch.cdist(vectors, vectors).topk(min(most, vectors.shape[1]), largest=False)[1]
        self.register_buffer("near", near, persistent=False)

    def forward(self, codes: Tensor, share: float | Tensor) -> Tensor:
        """Codes [..., codebooks] with a share of them replaced, one for all codebooks or one for each."""
        book = torch.arange(codes.shape[-1], device=codes.device)
        near = self.near[book, codes, torch.randint(self.near.shape[-1], codes.shape, device=codes.device)]
        return torch.where(torch.rand(codes.shape, device=codes.device) < share, near, codes)
