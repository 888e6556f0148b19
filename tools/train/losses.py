"""What the decoded signal is compared by."""
import torch
from torch import nn

from codec import mel_bank


class SpectralLoss(nn.Module):
    """Log-mel, log-magnitude and magnitude differences at several resolutions (window, hop, mel bands)."""

    def __init__(self, resolutions=((512, 128, 40), (1024, 256, 80), (2048, 512, 128)), rate=24000):
        super().__init__()
        self.resolutions = resolutions
        for window, _, bands in resolutions:
            self.register_buffer(f"window{window}", torch.hann_window(window))
            self.register_buffer(f"mel{window}", mel_bank(window, bands, rate))

    def forward(self, y, x):
        loss = 0.0
        for window, hop, _ in self.resolutions:
            shape, mel = getattr(self, f"window{window}"), getattr(self, f"mel{window}")
            with torch.no_grad():
                size_x = torch.fft.rfft(x.unfold(-1, window, hop) * shape).abs()
                mel_x, log_x = torch.log(size_x @ mel + 1e-3), torch.log(size_x + 1e-2)
            spectrum = torch.fft.rfft(y.unfold(-1, window, hop) * shape)
            size_y = torch.sqrt(spectrum.real ** 2 + spectrum.imag ** 2 + 1e-8)
            loss = loss + (torch.log(size_y @ mel + 1e-3) - mel_x).abs().mean()
            loss = loss + 0.3 * (torch.log(size_y + 1e-2) - log_x).abs().mean()
            loss = loss + 0.3 * (size_y - size_x).norm() / (size_x.norm() + 1e-3)
        return loss / len(self.resolutions)


class PhaseLoss(nn.Module):
    """How the phase moves from step to step and from bin to bin, below 4 kHz, weighted by what is loud.

    The absolute phase cannot be kept at this bit rate; its differences carry pitch and onsets.
    """

    def __init__(self, window=960, hop=240, bins=160):
        super().__init__()
        self.shape, self.hop, self.bins = (window,), hop, bins
        self.register_buffer("window", torch.hann_window(window))

    def forward(self, y, x):
        transform = lambda a: torch.fft.rfft(a.unfold(-1, self.shape[0], self.hop) * self.window)[..., :self.bins]
        spectrum_y, spectrum_x, loss = transform(y), transform(x), 0.0
        for axis in (1, 2):
            count = spectrum_x.shape[axis] - 1
            moved = lambda s: s.narrow(axis, 1, count) * s.narrow(axis, 0, count).conj()
            step_x, step_y = moved(spectrum_x), moved(spectrum_y)
            weight = step_x.abs().sqrt()
            size_y = (step_y.real ** 2 + step_y.imag ** 2 + 1e-6).sqrt()
            agreement = (step_y * step_x.conj()).real / (size_y * (step_x.abs() + 1e-6))
            loss = loss + (weight * (1 - agreement)).sum() / (weight.sum() + 1e-3)
        return loss
