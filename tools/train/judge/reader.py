"""A small reader of codebook 0: how well can words be spelled from the semantic codes alone?

    python -m tools.train.judge.reader train --codec FILE [--minutes 8] [--device cuda] [--out FILE]
    python -m tools.train.judge.reader judge --codec FILE [--reader FILE]

It trains on the codes of `dialogue.encode`, and is judged on the voices and wordings that checkpoints are chosen by
(never trained on). Tokens are the dialogue's text pieces; the error is their edit distance, and the words' beside it.
A reader is made for one codec: what its codebook's entries are is part of it.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.common.sizes import FRAME
from tools.train.codec import model
from tools.train.codec.blur import Blur
from tools.train.codec.encoder import Encoder
from tools.train.data.question_clips import held
from tools.train.dialogue.words import heard, load_pieces
from tools.train.folders import DIALOGUE, ROOT
from tools.train.sound import frames_of

BATCH, WIDTH = 64, 256
OTHER = 0.06  # of the codes, replaced by one that means nearly the same


def scaled(vectors: Tensor) -> Tensor:
    """Vectors of mean 0 and deviation 1."""
    return (vectors - vectors.mean(0)) / vectors.std()


class Reader(nn.Module):
    """Two layers of bidirectional GRU over what the codes stand for, and a head for the pieces."""

    def __init__(self, vectors: Tensor, pieces: int) -> None:
        """`vectors` [entries, width]: codebook 0."""
        super().__init__()
        entries, inner = vectors.shape
        # The last row stands for what is behind the end.
        self.register_buffer("vectors", F.pad(scaled(vectors), (0, 0, 0, 1)))
        self.map, self.own = nn.Linear(inner, WIDTH), nn.Embedding(entries + 1, WIDTH)
        nn.init.normal_(self.own.weight, std=0.1)
        self.gru = nn.GRU(WIDTH, WIDTH, 2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(2 * WIDTH, pieces + 1)

    def forward(self, codes: Tensor) -> Tensor:
        """[batch, frames] -> log-probabilities [batch, frames, pieces + 1]; blank is the last."""
        x = self.map(F.embedding(codes, self.vectors)) + self.own(codes)
        return self.head(F.dropout(self.gru(F.dropout(x, 0.2, self.training))[0], 0.2, self.training)).log_softmax(-1)


def training_rows() -> Iterator[tuple[np.ndarray, list[int]]]:
    """Codes of codebook 0 while somebody asks, and the pieces of what is asked."""
    for path in sorted(DIALOGUE.glob("questions-*.json")):
        codes = np.load(path.with_suffix(".npy"))[:, 0].astype(np.int64)
        for row in json.loads(path.read_text()):
            span = codes[row["first"] + max(row["begin"] - 1, 0) : row["first"] + row["end"] + 3]
            if len(span) > len(row["heard"]) > 0:
                yield span, row["heard"]


def padded(spans: Sequence[np.ndarray], filler: int) -> Tensor:
    """Spans as lines of one tensor, filled up behind their ends."""
    longest = max(map(len, spans))
    return torch.from_numpy(
        np.stack([np.pad(span, (0, longest - len(span)), constant_values=filler) for span in spans])
    )


def train(codec: str | Path, minutes: float, device: str = "cpu", rate: float = 2e-3) -> Reader:
    """A reader taught on all questions that are encoded; prints how."""
    torch.manual_seed(1)
    vectors = model.load(codec).quantizer.codebooks[0].embedding
    rows, blank, entries = list(training_rows()), load_pieces().get_piece_size(), len(vectors)
    reader = Reader(vectors, blank).to(device)
    blur = Blur(vectors[None], 6)
    optimizer = torch.optim.AdamW(reader.parameters(), rate, weight_decay=0.01)
    chance, began, step, seen = np.random.default_rng(1), time.time(), 0, 0.0
    while (part := (time.time() - began) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 100) * (1 - part)
        batch = [rows[place] for place in chance.integers(0, len(rows), BATCH)]
        codes = padded([span for span, _ in batch], entries)
        codes = torch.where(codes < entries, blur(codes.clamp(max=entries - 1)[..., None], OTHER)[..., 0], codes)
        logits = reader(codes.to(device)).transpose(0, 1)
        loss = F.ctc_loss(
            logits,
            torch.tensor([token for _, tokens in batch for token in tokens]).to(device),
            torch.tensor([len(span) for span, _ in batch]),
            torch.tensor([len(tokens) for _, tokens in batch]),
            blank=blank,
            zero_infinity=True,
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        step += 1
        seen += (loss.item() - seen) / min(step, 200)
        if step % 500 == 0:
            print(f"  step {step}, loss {seen:.3f}", flush=True)
    print(
        f"  a reader of {sum(p.numel() for p in reader.parameters()) / 1e6:.1f} M parameters, "
        f"{step} steps on {len(rows)} questions, "
        f"loss {seen:.3f}",
        flush=True,
    )
    return reader.cpu().eval()


def save(reader: Reader, path: str | Path) -> None:
    """Writes a reader in f16."""
    from safetensors.torch import save_file

    save_file({name: tensor.half().contiguous() for name, tensor in reader.state_dict().items()}, str(path))


def load(path: str | Path) -> Reader:
    """A reader from a file, ready to read."""
    from safetensors.torch import load_file

    state = {name: tensor.float() for name, tensor in load_file(str(path)).items()}
    reader = Reader(torch.randn_like(state["vectors"][:-1]), len(state["head.bias"]) - 1)
    reader.load_state_dict(state)
    return reader.eval()


@torch.no_grad()
def judge(reader: Reader, codec: str | Path) -> None:
    """Prints the reader's errors on held voices and wordings."""
    import jiwer

    from tools.train.judge.answers import plain

    encoder = Encoder(codec)
    if not torch.allclose(reader.vectors[:-1], scaled(encoder.codec.quantizer.codebooks[0].embedding), atol=1e-2):
        raise SystemExit(
            "judge.reader: this reader was made for a codec with another codebook 0; "
            "`judge.reader train` makes one for this codec."
        )
    pieces = load_pieces()
    blank = pieces.get_piece_size()
    spelled, truth, tokens, wanted = [], [], [], []
    for row, audio in held():
        lead = np.zeros(4 * FRAME, np.float32)
        codes = encoder([frames_of(np.concatenate([lead, audio, lead]))])[0][3:, 0].astype(np.int64)
        best = reader(torch.from_numpy(codes)[None])[0].argmax(-1).tolist()
        found = [
            token for place, token in enumerate(best) if token != blank and (place == 0 or token != best[place - 1])
        ]
        tokens.append(" ".join(map(str, found)) or "_")
        wanted.append(" ".join(map(str, pieces.encode(heard(row["text"])))))
        spelled.append(plain(pieces.decode(found)) or "_")
        truth.append(heard(row["text"]))
    print(
        f"  reader of codebook 0, {len(truth)} questions of voices never heard: "
        f"token error {100 * jiwer.wer(wanted, tokens):.1f} %, word error {100 * jiwer.wer(truth, spelled):.1f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "judge"))
    parser.add_argument("--codec", default=str(ROOT / "codec" / "codec.safetensors"))
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default=str(ROOT / "reader.safetensors"))
    parser.add_argument("--reader", default=str(ROOT / "reader.safetensors"), help="what `train` wrote")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.what == "train":
        save(train(arguments.codec, arguments.minutes, arguments.device), arguments.out)
    else:
        judge(load(arguments.reader), arguments.codec)


if __name__ == "__main__":
    main()
