"""Trains the dialogue model on the codes of `dialogue.encode`; can be stopped and resumed at any time.

    python -m tools.train.dialogue.train --minutes 60 [--workers 2] [--batch 4] [--device cuda]

OUT/state.pt is everything (the same command resumes from it), OUT/log.jsonl the learning curve, OUT/model.pt the
averaged weights, which `judge.dialogue_torch` judges and exports. `--minutes` is the length of the whole schedule in
time spent training.
"""

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.train import workers
from tools.train.codec import model as codec
from tools.train.codec.blur import Blur
from tools.train.course import Course
from tools.train.dialogue import model as dialogue
from tools.train.dialogue.conversations import Conversations, Span
from tools.train.dialogue.model import PADDING
from tools.train.dialogue.tables import letters_of
from tools.train.dialogue.words import load_pieces
from tools.train.folders import ROOT
from tools.train.workers import Meeting

FLAT_UNTIL = 0.55  # of the schedule: where the learning rate begins to fall
LAST = 0.8  # of the schedule: from here on most sequences are conversations, whose every spoken frame teaches
QUIET = 0.08  # of the frames in which nothing is said: so many teach the depth transformer
# How much each codebook weighs: with codebooks 0 to 3 as the teacher has them Whisper reads what is said, and a wrong 0
# is made up for.
WEIGHTS = (1.0, 0.8, 0.6, 0.5, 0.2, 0.15, 0.15, 0.15)


def shifted(tokens: Tensor, first: int, steps: int) -> Tensor:
    """Tokens as they are read: `steps` later, with the initial token before."""
    return torch.cat([tokens.new_full((tokens.shape[0], steps), first), tokens[:, :-steps]], 1)


class Trainee(nn.Module):
    """The dialogue model and what only training does: what is hidden, blurred or left out, and the losses."""

    def __init__(
        self,
        configuration: dialogue.Configuration,
        vectors: Tensor,
        silence: Tensor,
        own_dropout: float,
        dropout: float = 0.0,
        varied: float = 0.0,
        own_varied: float = 0.0,
    ) -> None:
        super().__init__()
        self.model = dialogue.Dialogue(configuration, vectors, dropout)
        self.varied, self.own_varied = varied, own_varied
        self.blur = Blur(vectors, 8)
        self.register_buffer("silence", silence, persistent=False)
        self.own_dropout, self.half, self.depth_share = own_dropout, False, 1.0

    def other_voice(self, user: Tensor) -> Tensor:
        """The user's codes with some of them replaced by what sounds alike, and stretches without
        the finer codebooks.
        """
        batch, frames, books = user.shape
        book = torch.arange(books, device=user.device)
        user = self.blur(user, self.varied)
        run = torch.rand(batch, (frames + 7) // 8, 1, device=user.device) < self.varied
        least = torch.randint(1, books, run.shape, device=user.device)
        hidden = (run & (book >= least)).repeat_interleave(8, 1)[:, :frames]
        return user.masked_fill(hidden, self.model.c.cardinality)

    def forward(
        self, text: Tensor, own: Tensor, user: Tensor, taught: Tensor, spelled: Sequence[Sequence[Span]], voiced: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        model, c = self.model, self.model.c
        batch, frames = text.shape
        if self.training and self.varied:
            user = self.other_voice(user)
        later = [own[..., :1], torch.cat([own[:, :1, 1:].expand(-1, 1, -1), own[:, :-1, 1:]], 1)]
        target = torch.cat(later, -1)  # what step s predicts: codebook 0 of frame s, the others of frame s - 1
        heard = own
        if self.training and self.own_varied:
            # What it has said was never quite the take: it must go on from there, in what the text says.
            spoken = (voiced[:, None] & (own != self.silence).any(-1))[..., None]
            heard = torch.where(spoken, self.blur(own.clamp(max=c.cardinality - 1), self.own_varied), own)
        own_in = torch.stack(
            [
                shifted(heard[..., 0], c.cardinality, 1),
                *(shifted(heard[..., book], c.cardinality, 2) for book in range(1, c.codebooks)),
            ],
            -1,
        )
        user_in = torch.stack(
            [user[..., 0], *(shifted(user[..., book], c.cardinality, 1) for book in range(1, c.codebooks))], -1
        )
        user_in[:, 0] = c.cardinality
        user_in[:, 1, 1:] = c.cardinality
        text_in = shifted(text, c.text, 1)
        kept = None
        if self.training and self.own_dropout:
            # Whole stretches of the own stream are not heard: the answer must come from the user and the text.
            run = torch.rand(batch, (frames + 7) // 8, device=text.device).repeat_interleave(8, 1)[:, :frames]
            kept = (run >= self.own_dropout).float()
        with torch.autocast(text.device.type, torch.bfloat16, enabled=self.half):
            x = model.embed(text_in, own_in, user_in, kept)
            h = model.temporal(F.dropout(x, 0.05, self.training))
            text_logits = F.linear(h, model.text_linear).float()
            active = (own != self.silence).any(-1) | (text != PADDING)
            active[:, 1:] |= active[:, :-1].clone()
            draw = torch.rand_like(h[..., 0])
            chosen = draw < torch.where(active, self.depth_share, QUIET) * voiced[:, None]
            place = chosen.flatten().nonzero()[:, 0]
            logits = model.depth_logits(
                h.flatten(0, 1)[place], text.flatten()[place], target.flatten(0, 1)[place]
            ).float()
        wanted = target.flatten(0, 1)[place]
        losses = F.cross_entropy(text_logits.flatten(0, 1), text.flatten(), reduction="none")
        says = ((text != PADDING) & taught).flatten().float()
        waits = ((text == PADDING) & taught).flatten().float()
        text_loss = (3 * (losses * says).sum() + (losses * waits).sum()) / (3 * says.sum() + 0.1 * waits.sum() + 1)
        codes = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none").view(-1, c.codebooks)
        codes = codes.sum(0) / max(len(place), 1)
        listening = self.listening(h, spelled)
        parts = {
            "text": text_loss,
            "words": (losses * says).sum() / says.sum().clamp(min=1),
            "first": codes[0],
            "rest": codes[1:].mean(),
            "clear": codes[1:4].mean(),
            "listen": listening,
            "right": ((text_logits.argmax(-1).flatten() == text.flatten()).float() * says).sum()
            / says.sum().clamp(min=1),
        }
        loss = 2 * text_loss + (codes * codes.new_tensor(WEIGHTS)).sum() + listening
        return loss, parts

    def listening(self, h: Tensor, spelled: Sequence[Sequence[Span]]) -> Tensor:
        """How well the hidden states spell what the user says (connectionist temporal classification)."""
        spans = [
            (row, *span)
            for row, spans in enumerate(spelled)
            for span in spans
            if len(span[2]) and span[1] - span[0] > len(span[2])
        ]
        if not spans:
            return h.sum() * 0
        lengths = torch.tensor([last - first for _, first, last, _ in spans])
        begins = torch.tensor([row * h.shape[1] + first for row, first, *_ in spans])
        # Behind the end of a span the next frames stand in its line; nobody reads them.
        places = begins[:, None] + torch.minimum(torch.arange(int(lengths.max())), lengths[:, None] - 1)
        part = h.flatten(0, 1)[places.to(h.device)]
        logits = self.model.listener(part.float()).log_softmax(-1).transpose(0, 1)
        targets = torch.tensor([token for *_, tokens in spans for token in tokens]).to(h.device)
        counts = torch.tensor([len(tokens) for *_, tokens in spans])
        return F.ctc_loss(
            logits, targets, lengths, counts, blank=self.model.c.text, reduction="mean", zero_infinity=True
        )


class Batches(torch.utils.data.Dataset):
    """The batch of every step, made from how far the schedule is: of that the processes that make batches are told."""

    def __init__(self, sampler: Conversations, arguments: argparse.Namespace, rank: int) -> None:
        self.sampler, self.arguments, self.rank, self.part = sampler, arguments, rank, torch.zeros(1).share_memory_()

    def __getitem__(self, step: int) -> tuple[list[np.ndarray], list[list[Span]], np.ndarray]:
        arguments = self.arguments
        lessons = arguments.lessons / 3 if float(self.part) >= LAST else arguments.lessons
        drills = arguments.drills * lessons
        *arrays, spelled, voiced = self.sampler.batch(
            arguments.batch, (arguments.seed, self.rank, step), lessons - drills, drills, arguments.recitals
        )
        return [array if array.dtype == bool else array.astype(np.int16) for array in arrays], spelled, voiced


def make(arguments: argparse.Namespace) -> tuple[Trainee, Conversations]:
    """The trainee and its conversations, by the command line."""
    vectors = codec.codec_vectors(codec.load(arguments.codec))
    sampler = Conversations(arguments.frames, vectors.shape[1])
    silence = torch.from_numpy(sampler.silence.astype("int64"))
    configuration = dialogue.Configuration.over(vectors, arguments.layers)
    trainee = Trainee(
        configuration,
        vectors,
        silence,
        arguments.own_dropout,
        arguments.dropout,
        arguments.varied,
        arguments.own_varied,
    )
    pieces = load_pieces()
    letters = letters_of([pieces.id_to_piece(piece) for piece in range(configuration.text)])
    trainee.model.text_emb.letters.copy_(letters)
    trainee.model.depth_text_emb.letters.copy_(letters)
    return trainee, sampler


def size(arguments: argparse.Namespace) -> int:
    """Parameters, counted without the data."""
    vectors = codec.codec_vectors(codec.load(arguments.codec))
    configuration = dialogue.Configuration.over(vectors, arguments.layers)
    return sum(p.numel() for p in dialogue.Dialogue(configuration, vectors).parameters())


def work(rank: int, arguments: argparse.Namespace, meeting: Meeting | None) -> None:
    """One worker's training."""
    torch.set_num_threads(1 if arguments.workers > 1 else arguments.threads)
    torch.manual_seed(arguments.seed + rank)
    device = torch.device(arguments.device)
    torch.backends.cuda.matmul.allow_tf32 = True
    trainee, sampler = make(arguments)
    batches = Batches(sampler, arguments, rank)
    trainee = trainee.to(device)
    trainee.half = arguments.half
    model = trainee.model
    average = {name: p.detach().clone() for name, p in model.named_parameters()}
    matrices = [
        p for name, p in model.named_parameters() if name.startswith(("layers", "depth.")) and "alpha" not in name
    ]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    optimizer = torch.optim.AdamW(
        [dict(params=matrices, weight_decay=0.05), dict(params=others, weight_decay=0.0)],
        arguments.rate,
        betas=(0.9, 0.98),
        eps=1e-9,
        fused=True,
    )
    out, step, spent = pathlib.Path(arguments.out), 0, 0.0
    parameters = [*matrices, *others]
    if (out / "state.pt").exists():
        state = torch.load(out / "state.pt", map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average = state["average"]
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    elif meeting:
        with torch.no_grad():
            meeting.from_first(rank, 1, [p.data for p in parameters])
    if arguments.start and not step:
        dialogue.start(model, arguments.start)
        average = {name: p.detach().clone() for name, p in model.named_parameters()}
    course = Course(
        rank, meeting, arguments.minutes, arguments.steps, step, spent, out / "log.jsonl", arguments.save_every
    )
    loader = workers.ahead(batches, step, arguments.loaders)
    while course.goes_on():
        rate = course.rate(arguments.rate, arguments.warm_up, FLAT_UNTIL)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batches.part[0] = course.part
        trainee.depth_share = 1.0 if course.part >= LAST else arguments.depth_share
        arrays, spelled, voiced = next(loader)
        arrays = [torch.from_numpy(array).to(device) for array in arrays]
        arrays = [array if array.dtype == torch.bool else array.long() for array in arrays]
        loss, parts = trainee(*arrays, spelled, torch.from_numpy(voiced).to(device))
        optimizer.zero_grad()
        loss.backward()
        if meeting:
            meeting.average_gradients(rank, course.step, parameters)
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        if torch.isfinite(norm):
            optimizer.step()
            names, values = zip(*model.named_parameters())
            course.follow((average[name] for name in names), values)
        if course.took({**parts, "norm": norm}, rate=rate):
            save(out, model, average, optimizer, course)
    if rank == 0:
        save(out, model, average, optimizer, course)


def save(
    out: pathlib.Path,
    model: dialogue.Dialogue,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    course: Course,
) -> None:
    """Writes the state to resume from, and the averaged weights."""
    state = dict(
        model=model.state_dict(),
        average=average,
        optimizer=optimizer.state_dict(),
        step=course.step,
        spent=course.spent,
    )
    torch.save(state, out / "state.part")
    (out / "state.part").rename(out / "state.pt")
    torch.save(
        dict(model={**model.state_dict(), **average}, step=course.step, minutes=course.spent / 60), out / "model.part"
    )
    (out / "model.part").rename(out / "model.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=str(ROOT / "dialogue-model"))
    parser.add_argument("--codec", default=str(ROOT / "codec" / "codec.safetensors"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="of a single worker")
    parser.add_argument("--batch", type=int, default=4, help="conversations per worker and step")
    parser.add_argument("--frames", type=int, default=192, help="of 80 ms per conversation")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=int, default=200, help="steps until the rate is reached")
    parser.add_argument("--own-dropout", type=float, default=0.3)
    parser.add_argument("--dropout", type=float, default=0.0, help="in the temporal transformer")
    parser.add_argument(
        "--varied", type=float, default=0.0, help="share of the user's codes replaced by what sounds alike"
    )
    parser.add_argument("--own-varied", type=float, default=0.0, help="the same of its own codes, as it hears them")
    parser.add_argument(
        "--depth-share",
        type=float,
        default=1.0,
        help="of the frames with speech, those that teach the depth transformer: fewer are faster",
    )
    parser.add_argument(
        "--lessons",
        type=float,
        default=0.0,
        help="share of sequences in which question follows question and the reply is text alone",
    )
    parser.add_argument("--drills", type=float, default=0.0, help="share of the lessons that are facts in text alone")
    parser.add_argument(
        "--recitals", type=float, default=0.0, help="share of sequences that only say what the text says"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--layers", type=int, help="of the temporal transformer; those that --start has not add nothing at first"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--loaders", type=int, default=0, help="processes that make batches ahead: for a GPU")
    parser.add_argument("--start", help="exported weights to begin from, with new optimizer state")
    parser.add_argument("--half", action="store_true", help="bf16 networks: faster where the processor has it")
    parser.add_argument("--save-every", type=float, default=3, help="minutes")
    arguments = parser.parse_args()
    pathlib.Path(arguments.out).mkdir(parents=True, exist_ok=True)
    workers.run(work, arguments, lambda: size(arguments))


if __name__ == "__main__":
    main()
