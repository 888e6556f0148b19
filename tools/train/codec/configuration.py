"""Sizes of a spectral codec."""

import dataclasses
import math


@dataclasses.dataclass
class Configuration:
    """Sizes of a codec; the file's header has those of its weights."""

    architecture: str = "spectral"
    sample_rate: int = 24000
    samples_per_frame: int = 1920
    hop: int = 240
    analysis_window: int = 960
    synthesis_window: int = 480
    mel_bands: int = 100
    low_bins: int = 64
    encoder_width: int = 192
    latent_width: int = 320
    decoder_width: int = 224
    encoder_blocks: int = 3
    encoder_middle_blocks: int = 2
    decoder_middle_blocks: int = 3
    decoder_blocks: int = 5
    block_kernel: int = 7
    expansion: int = 3
    strides: tuple = (4, 2)
    transformer_layers: int = 2
    heads: int = 5
    feed_forward: int = 960
    context: int = 16
    rope_theta: float = 10000
    codebooks: int = 8
    cardinality: int = 1024
    codebook_width: int = 32
    beam: int = 1
    delay: int = 240

    def __post_init__(self) -> None:
        assert self.hop * math.prod(self.strides) == self.samples_per_frame
        assert self.delay == self.synthesis_window - self.hop == self.hop
