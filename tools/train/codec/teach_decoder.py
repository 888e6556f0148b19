"""Teaches a codec's decoder alone: codes stay what they are, so nothing that was trained on them changes.

    python -m tools.train.codec.teach_decoder OLD.safetensors NEW.safetensors [--minutes 60] [--adversary 0.3]
        [--blocks 8]

`--blocks` deepens the decoder: the added blocks do nothing at first.

From a part of the schedule on (`--adversary`) three critics of the short-time spectrum learn to tell decoded sound
from recorded (as in EnCodec, Defossez et al. 2022, section 3.4); the decoder learns to deceive them and to give what
they see in both. Music, tones and noise are in a tenth of the crops, and a peak above the original's costs something.
"""

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train import workers
from tools.train.codec import model, refining
from tools.train.codec.blur import Blur
from tools.train.codec.losses import EnvelopeLoss, LoudnessLoss, PhaseLoss, SpectralLoss
from tools.train.codec.model import codec_vectors
from tools.train.codec.recogniser import WordsLoss
from tools.train.course import Course
from tools.train.data.crops import Crops
from tools.train.workers import Meeting

# The assistant's voice is the one that people hear.
SHARES = {"assistant": 0.4, "synthetic": 0.15, "recorded": 0.3, "formant": 0.05, "odd": 0.1}
FEWER = 0.15  # of the batches, decoded from fewer codebooks
BLURRED = 0.25  # of the batches, decoded from codes of which some only sound alike, as a dialogue model draws them:
ALIKE, DRAWN = 16, (0, 0.1, 0.3, 0.35, 0.4, 0.4, 0.4, 0.4)  # one of so many entries; how likely in each codebook


def mouth(codec: model.Codec) -> nn.ModuleList:
    """The part of a codec that is taught."""
    return nn.ModuleList(
        [
            codec.decoder,
            codec.decoder_transformer,
            codec.quantizer.rvq_first.output_proj,
            codec.quantizer.rvq_rest.output_proj,
        ]
    )


class Critic(nn.Module):
    """Convolutions over the complex short-time spectrum; gives its layers' outputs, the last of them the verdict."""

    def __init__(self, window: int, width: int = 16) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(window))
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(2, width, (3, 9), stride=(1, 2), padding=(1, 4)),
                nn.Conv2d(width, width, (3, 9), stride=(1, 2), padding=(1, 4)),
                nn.Conv2d(width, width, (3, 9), stride=(1, 2), padding=(2, 4), dilation=(2, 1)),
                nn.Conv2d(width, width, (3, 3), padding=1),
            ]
        )
        self.verdict = nn.Conv2d(width, 1, (3, 3), padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        count = len(self.window)
        spectrum = torch.fft.rfft(x.unfold(-1, count, count // 4) * self.window) * (4 / count**0.5)
        h, seen = torch.stack([spectrum.real, spectrum.imag], 1), []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2)
            seen.append(h)
        return [*seen, self.verdict(h)]


class Critics(nn.ModuleList):
    """Critics at three resolutions."""

    def __init__(self) -> None:
        super().__init__(Critic(window) for window in (512, 1024, 2048))

    def losses(self, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the critics learn from, what deceives them, and how far what they see of `y` is from what they
        see of `x`.
        """
        learning = deceiving = seeing = 0.0
        for critic in self:
            true, false = critic(x), critic(y.detach())
            learning = learning + F.relu(1 - true[-1]).mean() + F.relu(1 + false[-1]).mean()
            critic.requires_grad_(False)
            given = critic(y)
            critic.requires_grad_(True)
            deceiving = deceiving - given[-1].mean()
            for mine, theirs in zip(given[:-1], true[:-1]):
                theirs = theirs.detach()
                seeing = seeing + (mine - theirs).abs().mean() / (theirs.abs().mean() + 1e-3)
        return learning / len(self), deceiving / len(self), seeing / (len(self) * 4)


def burst(y: Tensor, x: Tensor, samples: int = 32) -> Tensor:
    """How far the loudest samples rise above the original's peak, as a logarithm: silence and music must not crack."""
    peak = x.abs().amax(1, keepdim=True) * 1.1 + 0.01
    return F.relu(torch.log(y.abs().topk(samples, 1)[0] / peak + 1e-6)).mean()


class Judged(nn.Module):
    """What decoded sound costs, and its parts, by the weights of the command line."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__()
        self.weights = arguments
        self.spectral, self.phase, self.loudness, self.envelope = (
            SpectralLoss(),
            PhaseLoss(),
            LoudnessLoss(),
            EnvelopeLoss(),
        )
        self.words = WordsLoss(half=arguments.half) if arguments.words else None
        self.to(arguments.device)

    def forward(
        self, codec: model.Codec, latent: Tensor, x: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], tuple[Tensor, Tensor]]:
        """Decodes what the quantizer gives and compares it with the samples `x` [batch, samples]; the sounds,
        aligned, come last.
        """
        y, log_magnitude = codec.synthesize(latent)
        head = (log_magnitude - codec.synthesis.target(x)).abs().mean()
        y, x = y[:, codec.c.delay :], x[:, : -codec.c.delay]
        parts = {"spectral": self.spectral(y, x), "phase": self.phase(y, x), "head": head, "burst": burst(y, x)}
        parts |= {"loudness": self.loudness(y, x), "envelope": self.envelope(y, x)}
        loss = parts["spectral"] + 0.3 * parts["phase"] + 0.5 * head + 3 * parts["burst"]
        loss = loss + self.weights.loudness * parts["loudness"] + self.weights.envelope * parts["envelope"]
        if self.words:
            parts["words"] = self.words(y[: self.weights.read], x[: self.weights.read])
            loss = loss + self.weights.words * parts["words"]
        return loss, parts, (y, x)


class Worsening:
    """Codes as a decoder hears them, too: in a share of the batches of fewer codebooks, in another blurred."""

    def __init__(self, codec: model.Codec, fewer: float, blurred: float) -> None:
        self.fewer, self.blurred = fewer, blurred
        vectors = codec_vectors(codec)
        self.blur, self.drawn = Blur(vectors, ALIKE).to(vectors.device), torch.tensor(DRAWN, device=vectors.device)

    def draw(self) -> Callable[[Tensor], Tensor] | None:
        """What happens to the codes of a batch, or None."""
        kind = torch.rand(())
        if kind < self.fewer:
            return lambda codes: codes[..., : int(torch.randint(1, codes.shape[-1], ()))]
        return (lambda codes: self.blur(codes, self.drawn)) if kind < self.fewer + self.blurred else None


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Adds the weights of the losses to a command line."""
    parser.add_argument(
        "--loudness", type=float, default=0.5, help="weight of what an ear hears that was added or is missing"
    )
    parser.add_argument("--envelope", type=float, default=5.0, help="weight of what is lost of the words")
    parser.add_argument("--words", type=float, default=0.0, help="weight of what a recogniser hears differently")
    parser.add_argument("--read", type=int, default=3, help="crops per worker and step that the recogniser hears")


def work(rank: int, arguments: argparse.Namespace, meeting: Meeting | None) -> None:
    """One worker's training."""
    torch.manual_seed(1)  # every worker begins with the same critics
    sounds = Crops(arguments.frames, SHARES)
    judged, critics = Judged(arguments), Critics().to(arguments.device)
    worsening = Worsening(model.load(arguments.codec).to(arguments.device), FEWER, BLURRED)

    def loss_of(codec: model.Codec, course: Course, x: Tensor) -> refining.Loss:
        codes, worse = codec.encode(x), worsening.draw()
        if worse:
            codes = worse(codes)
        loss, parts, (y, x) = judged(codec, codec.quantizer.decode(codes), x)
        if course.part >= arguments.adversary:
            parts["critics"], parts["deceive"], parts["seen"] = critics.losses(y, x)
            loss = loss + parts["critics"] + 0.1 * parts["deceive"] + parts["seen"]
        return loss, parts

    refining.refine(rank, arguments, meeting, mouth, lambda size, seed: sounds.batch(size, seed)[:1], loss_of, critics)


def main() -> None:
    parser = refining.parser(__doc__, minutes=60, rate=5e-4)
    parser.add_argument(
        "--adversary", type=float, default=1.0, help="part of the schedule from which on there are critics"
    )
    add_weights(parser)
    parser.add_argument("--blocks", type=int, help="of the decoder at 100 Hz")
    arguments = parser.parse_args()
    arguments.codec = refining.start(arguments, decoder_blocks=arguments.blocks)
    workers.run(work, arguments, lambda: refining.size(arguments.codec, mouth, Critics()))


if __name__ == "__main__":
    main()
