"""What the decoded signal is compared by."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train.codec.model import mel_bank


def powers(x: Tensor, window: Tensor, hop: int) -> Tensor:
    """Short-time spectrum of samples [batch, samples]: squares of the magnitudes [batch, frames, bins]."""
    spectrum = torch.fft.rfft(x.unfold(-1, len(window), hop) * window)
    return spectrum.real**2 + spectrum.imag**2


class SpectralLoss(nn.Module):
    """Log-mel, log-magnitude and magnitude differences at several resolutions (window, hop, mel bands)."""

    def __init__(
        self,
        resolutions: Sequence[tuple[int, int, int]] = ((512, 128, 40), (1024, 256, 80), (2048, 512, 128)),
        rate: int = 24000,
    ) -> None:
        super().__init__()
        self.resolutions = resolutions
        for window, _, bands in resolutions:
            self.register_buffer(f"window{window}", torch.hann_window(window))
            self.register_buffer(f"mel{window}", mel_bank(window, bands, rate))

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        loss = 0.0
        for window, hop, _ in self.resolutions:
            shape, mel = getattr(self, f"window{window}"), getattr(self, f"mel{window}")
            with torch.no_grad():
                size_x = torch.fft.rfft(x.unfold(-1, window, hop) * shape).abs()
                mel_x, log_x = torch.log(size_x @ mel + 1e-3), torch.log(size_x + 1e-2)
            size_y = torch.sqrt(powers(y, shape, hop) + 1e-8)
            loss = loss + (torch.log(size_y @ mel + 1e-3) - mel_x).abs().mean()
            loss = loss + 0.3 * (torch.log(size_y + 1e-2) - log_x).abs().mean()
            loss = loss + 0.3 * (size_y - size_x).norm() / (size_x.norm() + 1e-3)
        return loss / len(self.resolutions)


class PhaseLoss(nn.Module):
    """How the phase moves from step to step and from bin to bin, below 4 kHz, weighted by what is loud.

    The absolute phase cannot be kept at this bit rate; its differences carry pitch and onsets.
    """

    def __init__(self, window: int = 960, hop: int = 240, bins: int = 160) -> None:
        super().__init__()
        self.shape, self.hop, self.bins = (window,), hop, bins
        self.register_buffer("window", torch.hann_window(window))

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        def transform(a: Tensor) -> Tensor:
            return torch.fft.rfft(a.unfold(-1, self.shape[0], self.hop) * self.window)[..., : self.bins]

        def moved(spectrum: Tensor, axis: int) -> Tensor:
            count = spectrum.shape[axis] - 1
            return spectrum.narrow(axis, 1, count) * spectrum.narrow(axis, 0, count).conj()

        spectrum_y, spectrum_x, loss = transform(y), transform(x), 0.0
        for axis in (1, 2):
            step_x, step_y = moved(spectrum_x, axis), moved(spectrum_y, axis)
            weight = step_x.abs().sqrt()
            size_y = (step_y.real**2 + step_y.imag**2 + 1e-6).sqrt()
            agreement = (step_y * step_x.conj()).real / (size_y * (step_x.abs() + 1e-6))
            loss = loss + (weight * (1 - agreement)).sum() / (weight.sum() + 1e-3)
        return loss


class LoudnessLoss(nn.Module):
    """What an ear hears that was added or is missing: the disturbance of ITU-T P.862.2 (PESQ, wide band), as a loss.

    Loudness of both signals in 49 bands of about half a Bark, 32 ms at a time, of equal level; differences within a
    quarter of the quieter are masked, and what was added counts more than what is missing. Time is not aligned, and
    the delay is taken as known.
    """

    WINDOW, HOP, BINS = 768, 384, 256  # at 24 kHz: bins of 31.25 Hz, up to 8 kHz
    # Bins of each band.
    WIDTHS = (
        *[1] * 8,
        2,
        *[1] * 5,
        2,
        1,
        1,
        *[2] * 8,
        3,
        3,
        3,
        3,
        4,
        3,
        4,
        5,
        4,
        5,
        6,
        6,
        7,
        8,
        9,
        9,
        12,
        12,
        15,
        16,
        18,
        21,
        25,
        20,
    )
    LEVEL = 1e7  # power of the speech at which it is listened to
    DENSITY = 6.91e-6 * 60  # of a band's power; the standard's correction of each band is taken as the same for all
    LOUDNESS, ZWICKER = 0.1866, 0.23
    PART = 20  # moments of 16 ms that are judged together
    MOST = 45.0  # disturbance of a moment from which on the measure counts no more

    def __init__(self, rate: int = 24000) -> None:
        super().__init__()
        hertz = torch.arange(self.BINS) * rate / self.WINDOW
        widths = torch.tensor(self.WIDTHS)
        edges = torch.cat([torch.zeros(1), widths.cumsum(0)]) * rate / self.WINDOW
        centre = (edges[1:] + edges[:-1]) / 2

        def bark(f: Tensor) -> Tensor:
            return 7 * torch.asinh(f / 650)

        band = torch.repeat_interleave(torch.arange(len(widths)), widths)
        # The high pass at 100 Hz that a wide-band headset is taken to be.
        turn = torch.exp(-2j * torch.pi * hertz / 16000)
        headset = (2.740826 * (1 - turn) ** 2 / (1 - 1.9444777 * turn + 0.94597794 * turn**2)).abs() ** 2
        share = torch.zeros(self.BINS, len(widths))
        # The standard's powers are of 512 samples at 16 kHz: a spectrum of 768 has 1.5 times their amplitude.
        share[torch.arange(self.BINS), band] = headset / 2.25 * self.DENSITY
        share[0] = 0
        kilo = centre.clamp(min=20) / 1000
        threshold = 10 ** ((3.64 * kilo**-0.8 - 6.5 * torch.exp(-0.6 * (kilo - 3.3) ** 2) + 1e-3 * kilo**4) / 10)
        self.register_buffer("window", torch.hann_window(self.WINDOW))
        self.register_buffer("speech", ((hertz > 325) & (hertz < 3250)).float())
        self.register_buffer("share", share)
        self.register_buffer("threshold", threshold)
        self.register_buffer("power", self.ZWICKER * (6 / (bark(centre) + 2)).clamp(1, 2) ** 0.15)
        self.register_buffer("bark", bark(edges[1:]) - bark(edges[:-1]))

    def bands(self, x: Tensor) -> Tensor:
        """Powers [batch, frames, bands] at the listening level."""
        power = powers(x, self.window, self.HOP)[..., : self.BINS]
        # Parseval: the mean square of the samples in the speech band.
        mean = 2 * (power @ self.speech).mean(1) / (self.WINDOW * self.window.square().sum())
        return power @ self.share * (self.LEVEL / (mean + 1e-7))[:, None, None]

    def loudness(self, power: Tensor) -> Tensor:
        """Loudness of each band by its power (Zwicker's law)."""
        sense = (2 * self.threshold) ** self.power * ((0.5 + 0.5 * power / self.threshold) ** self.power - 1)
        return self.LOUDNESS * F.relu(sense)

    def audible(self, power: Tensor, factor: float) -> Tensor:
        """The power in all bands that lie above the threshold times a factor."""
        return (power * (power > factor * self.threshold)).sum(-1)

    def parts(self, y: Tensor, x: Tensor) -> list[Tensor]:
        """How much `y` [batch, samples] is off from `x` in each moment, and how much of that was added,
        each [batch, moments].
        """
        y, x = self.bands(y), self.bands(x)
        speaks = (self.audible(x, 100) > 1e7)[..., None]

        def mean(power: Tensor) -> Tensor:
            return (power * (power > 100 * self.threshold) * speaks).mean(1, keepdim=True)

        x = x * ((mean(y) + 1000) / (mean(x) + 1000)).clamp(0.01, 100)
        gain = (self.audible(x, 1) + 5e3) / (self.audible(y, 1) + 5e3)
        gain = torch.cat([gain[:, :1], 0.8 * gain[:, 1:] + 0.2 * gain[:, :-1]], 1).clamp(3e-4, 5)
        y = y * gain[..., None]
        mine, theirs = self.loudness(y), self.loudness(x)
        off = mine - theirs
        off = off.sign() * F.relu(off.abs() - 0.25 * torch.minimum(mine, theirs))
        added = ((y + 50) / (x + 50)) ** 1.2
        added = torch.where(added < 3, 0, added.clamp(max=12))
        whole, weight = self.bark[1:].sum(), self.bark[1:]
        either = whole**0.5 * ((weight * off[..., 1:]) ** 2).sum(-1).clamp(min=1e-12).sqrt()
        added = (weight * (off * added)[..., 1:].abs()).sum(-1)
        loud = ((self.audible(x, 1) + 1e5) / 1e7) ** 0.04
        return [(part / loud).clamp(min=1e-6) for part in (either, added)]

    def over_time(self, disturbance: Tensor) -> Tensor:
        """The loudest moments count most within a third of a second, the worst thirds most of all."""
        part = (disturbance.unfold(1, self.PART, self.PART // 2) ** 6).mean(-1) ** (1 / 6)
        return part.square().mean(1).sqrt()

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        # The measure stops counting at MOST, where decoded speech mostly is: nothing would be learnt there.
        either, added = (self.over_time(self.MOST * torch.log1p(part / self.MOST)) for part in self.parts(y, x))
        return (0.1 * either + 0.0309 * added).mean()

    def opinion(self, y: Tensor, x: Tensor) -> Tensor:
        """About what PESQ gives, from 1 to 4.6, each [batch]."""
        either, added = (self.over_time(part.clamp(max=self.MOST)) for part in self.parts(y, x))
        return 0.999 + 4 / (1 + torch.exp(-1.3669 * (4.5 - 0.1 * either - 0.0309 * added) + 3.8224))


class EnvelopeLoss(nn.Module):
    """What of the words is lost: one minus the short-time objective intelligibility (STOI; Taal et al. 2011), without
    its removal of silent frames: stretches far below the loudest count nothing instead.
    """

    WINDOW, HOP = 614, 307  # at 24 kHz: 25.6 ms, 12.8 ms
    BANDS, LOWEST = 15, 150.0  # thirds of an octave, from a centre in hertz
    STRETCH = 30  # frames that are compared together
    CLIP = 10 ** (15 / 20)  # noise over the signal that counts, at most
    RANGE = 40.0  # dB under the loudest stretch from which on one counts

    def __init__(self, rate: int = 24000) -> None:
        super().__init__()
        hertz = torch.fft.rfftfreq(self.WINDOW, 1 / rate)
        centre = self.LOWEST * 2 ** (torch.arange(self.BANDS) / 3)
        low, high = centre * 2 ** (-1 / 6), centre * 2 ** (1 / 6)
        self.register_buffer("window", torch.hann_window(self.WINDOW))
        self.register_buffer("bands", ((hertz[:, None] >= low) & (hertz[:, None] < high)).float())

    def envelopes(self, x: Tensor) -> Tensor:
        """[batch, stretches, bands, frames of a stretch]"""
        power = powers(x, self.window, self.HOP) @ self.bands
        return (power + 1e-8).sqrt().unfold(1, self.STRETCH, self.STRETCH // 3)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        y, x = self.envelopes(y), self.envelopes(x)

        def size(e: Tensor) -> Tensor:
            return e.square().sum(-1, keepdim=True).sqrt() + 1e-6

        y = torch.minimum(y * size(x) / size(y), x * (1 + self.CLIP))
        y, x_off = y - y.mean(-1, keepdim=True), x - x.mean(-1, keepdim=True)
        alike = (y * x_off).sum(-1) / (size(y) * size(x_off))[..., 0]
        loud = x.square().sum((2, 3))
        weight = (loud > loud.amax(1, keepdim=True) * 10 ** (-self.RANGE / 10)).float() * (loud > 1e-3)
        return 1 - ((alike.mean(-1) * weight).sum() + 1e-6) / (weight.sum() + 1e-6)
