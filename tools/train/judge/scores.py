"""Scores of decoded speech against the original."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor

from tools.common.sizes import RATE
from tools.train.codec import model
from tools.train.folders import ROOT
from tools.train.judge.recognisers import Recogniser, Whisper, words


def mel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Mean difference of log-mel bands."""
    bank, shape = model.mel_bank(1024, 80, RATE), torch.hann_window(1024)

    def mel(a: np.ndarray) -> Tensor:
        return torch.log(torch.fft.rfft(torch.from_numpy(a).unfold(-1, 1024, 256) * shape).abs() @ bank + 1e-3)

    return float((mel(x) - mel(y)).abs().mean())


class Scores:
    """Of one group of clips; what the judge reads in an original is kept in a file."""

    def __init__(self, group: str, judge: Recogniser | None, language: str = "en") -> None:
        from pesq import pesq
        from pystoi import stoi

        self.pesq, self.stoi = pesq, stoi
        self.group, self.judge, self.language = group, judge, language
        self.rows: list[tuple[float, float, float]] = []
        self.truth: list[str] = []
        self.heard: list[str] = []
        self.heard_before: list[str] = []
        self.path = ROOT / (judge or Whisper).kept
        self.known = json.loads(self.path.read_text()) if self.path.exists() else {}

    def add(self, name: str, text: str, x: np.ndarray, y: np.ndarray) -> None:
        """Original x and decoded y, aligned, of one length."""
        x16, y16 = resample_poly(x, 2, 3), resample_poly(y, 2, 3)
        try:
            quality = self.pesq(16000, x16, y16, "wb")
        except Exception:  # it finds no speech
            quality = float("nan")
        self.rows.append((self.stoi(x16, y16, 16000), quality, mel_distance(x, y)))
        if not self.judge:
            return
        if name not in self.known:
            self.known[name] = " ".join(self.judge.read(x, self.language))
        before = self.known[name].split()
        reference = words(text, self.language) or before
        if reference:
            self.truth.append(" ".join(reference))
            self.heard_before.append(" ".join(before) or "_")
            self.heard.append(" ".join(self.judge.read(y, self.language)) or "_")

    def row(self) -> dict[str, Any]:
        """The means of what was added, to print; keeps what was read in originals."""
        import jiwer

        self.path.write_text(json.dumps(self.known, indent=0))
        mean = np.nanmean(np.array(self.rows), 0)
        row = dict(
            group=self.group,
            clips=len(self.rows),
            stoi=round(mean[0], 3),
            pesq=round(mean[1], 2),
            mel=round(mean[2], 3),
        )
        if self.judge:
            row |= dict(
                words=sum(len(t.split()) for t in self.truth),
                wer=round(100 * jiwer.wer(self.truth, self.heard), 1),
                wer_original=round(100 * jiwer.wer(self.truth, self.heard_before), 1),
            )
        return row


def use(codes: np.ndarray, cardinality: int) -> dict[str, Any]:
    """How many entries of each codebook occur, and their perplexity."""
    used, perplexity = [], []
    for level in codes.T:
        share = np.bincount(level, minlength=cardinality) / len(level)
        used.append(int((share > 0).sum()))
        perplexity.append(round(float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))))
    return dict(frames=len(codes), entries_used=used, perplexity=perplexity)


def spread(items: Sequence[Any], count: int) -> Sequence[Any]:
    """So many of a list, evenly from its whole length."""
    return items[:: max(1, len(items) // count)][:count]


def held_out(group: str, count: int) -> Sequence[dict[str, str]]:
    """So many clips of a held-out group."""
    clips = [clip for clip in json.loads((ROOT / "held-out.json").read_text()) if clip["group"] == group]
    return spread(clips, count)
