"""A small reader of codebook 0: how well can words be spelled from the semantic codes alone?

    reader.py [--minutes 8] [--codec FILE]

Trained on the codes of dialogue_data.py, judged on the voices and wordings that checkpoints are chosen by (never trained on).
Tokens are the dialogue's text pieces; the error is their edit distance, and the words' beside it.
"""
import argparse
import json
import time

import jiwer
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import dialogue_data
from evaluate_dialogue import plain
from places import FRAME, ROOT


class Reader(nn.Module):
    """Two layers of bidirectional GRU over the embedded codes, and a head for the pieces."""

    def __init__(self, entries, pieces, width=256):
        super().__init__()
        self.table = nn.Embedding(entries + 1, width)
        self.gru = nn.GRU(width, width, 2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(2 * width, pieces + 1)

    def forward(self, codes):
        """[batch, frames] -> log-probabilities [batch, frames, pieces + 1]; blank is the last."""
        return self.head(F.dropout(self.gru(F.dropout(self.table(codes), 0.2, self.training))[0], 0.2, self.training)).log_softmax(-1)


def training_rows():
    for path in sorted(dialogue_data.FOLDER.glob("questions-*.json")):
        codes = np.load(path.with_suffix(".npy"))[:, 0].astype(np.int64)
        for row in json.loads(path.read_text()):
            span = codes[row["first"] + max(row["begin"] - 1, 0):row["first"] + row["end"] + 3]
            if len(span) > len(row["heard"]) > 0:
                yield span, row["heard"]


def padded(spans, filler):
    longest = max(map(len, spans))
    return torch.from_numpy(np.stack([np.pad(span, (0, longest - len(span)), constant_values=filler) for span in spans]))


def judge(codec, minutes, threads):
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    rows, pieces, entries = list(training_rows()), dialogue_data.reader(), 1024
    blank = pieces.get_piece_size()
    reader = Reader(entries, blank)
    optimizer = torch.optim.AdamW(reader.parameters(), 2e-3, weight_decay=0.01)
    chance, began, step = np.random.default_rng(1), time.time(), 0
    while time.time() - began < 60 * minutes:
        part = (time.time() - began) / (60 * minutes)
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (1 - part)
        batch = [rows[place] for place in chance.integers(0, len(rows), 64)]
        logits = reader(padded([span for span, _ in batch], entries)).transpose(0, 1)
        loss = F.ctc_loss(logits, torch.tensor([token for _, tokens in batch for token in tokens]),
                          torch.tensor([len(span) for span, _ in batch]), torch.tensor([len(tokens) for _, tokens in batch]),
                          blank=blank, zero_infinity=True)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        step += 1
    reader.eval()
    encoder = dialogue_data.Encoder(codec)
    spelled, truth, tokens, wanted = [], [], [], []
    for row, audio in dialogue_data.held():
        lead = np.zeros(4 * FRAME, np.float32)
        codes = encoder([dialogue_data.frames_of(np.concatenate([lead, audio, lead]))])[0][3:, 0].astype(np.int64)
        with torch.no_grad():
            best = reader(torch.from_numpy(codes)[None])[0].argmax(-1).tolist()
        found = [token for place, token in enumerate(best) if token != blank and (place == 0 or token != best[place - 1])]
        expected = pieces.encode(dialogue_data.heard(row["text"]))
        tokens.append(" ".join(map(str, found)) or "_")
        wanted.append(" ".join(map(str, expected)))
        spelled.append(plain(pieces.decode(found)) or "_")
        truth.append(dialogue_data.heard(row["text"]))
    print(f"  reader of codebook 0, {step} steps on {len(rows)} questions; {len(truth)} questions of voices never heard: "
          f"token error {100 * jiwer.wer(wanted, tokens):.1f} %, word error {100 * jiwer.wer(truth, spelled):.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", default=str(ROOT / "codec" / "codec.safetensors"))
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    judge(arguments.codec, arguments.minutes, arguments.threads)


if __name__ == "__main__":
    main()
