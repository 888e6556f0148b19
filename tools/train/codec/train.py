"""Trains the codec; can be stopped and resumed at any time.

    python -m tools.train.codec.train --out DIR --minutes 90 [--workers 2] [--batch 4] [--device cuda]

DIR/state.pt is everything (written every few minutes; the same command resumes from it), DIR/log.jsonl the learning
curve, DIR/codec.safetensors the averaged weights as the runtime reads them. `--minutes` is the length of the whole
schedule in time spent training. Workers are processes of one thread each that average their gradients in shared
memory: two threads of one process wait for each other on a busy machine.
"""

import argparse
import pathlib

import torch
from torch import Tensor, nn

from tools.train import workers
from tools.train.codec import model, refining
from tools.train.codec.losses import PhaseLoss, SpectralLoss
from tools.train.course import LINE, Course
from tools.train.data.crops import Crops
from tools.train.folders import ROOT
from tools.train.workers import Meeting

# Of the schedule: no quantizer, then most items quantized, then all; and where the learning rate begins to fall.
RAW_UNTIL, MIXED_UNTIL, FLAT_UNTIL = 0.55, 0.80, 0.60


class Spread(nn.Module):
    """Asks the latents for unit variance in every direction: without it nearly all of their variance is loudness,
    a handful of directions carry everything, and the decoder never learns to use more.

    The gradient is that of |C - 1|^2 / width with C the running covariance.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("covariance", torch.eye(width))

    def forward(self, z: Tensor) -> Tensor:
        flat = z.flatten(0, 1)
        self.mean.lerp_(flat.detach().mean(0), 0.1)
        centred = flat - self.mean
        covariance = centred.t() @ centred / len(flat)
        self.covariance.lerp_(covariance.detach(), 0.1)
        away = self.covariance - torch.eye(len(self.mean), device=z.device)
        gradient = 2 * (away * covariance).sum() / len(self.mean)
        return gradient - gradient.detach() + away.pow(2).mean() * len(self.mean)


class Trainee(nn.Module):
    """The codec and what only training needs: the head that reads Whisper's features off codebook 0."""

    def __init__(self, configuration: model.Configuration) -> None:
        super().__init__()
        self.codec = model.Codec(configuration)
        self.reader = nn.Linear(configuration.codebook_width, 512)
        self.spectral = SpectralLoss()
        self.phase = PhaseLoss()
        self.spread = Spread(configuration.codebook_width)

    def forward(self, x: Tensor, features: Tensor, known: Tensor, share: float, dropout: float) -> refining.Loss:
        codec, delay = self.codec, self.codec.c.delay
        latent, distance = codec.latent(x), torch.zeros((), device=x.device)
        spread = self.spread(codec.quantizer.rvq_rest.input_proj(latent))
        if share > 0:
            latent, semantic, distance = codec.quantizer(latent, share, dropout)
        else:
            first, rest = codec.quantizer.rvq_first, codec.quantizer.rvq_rest
            semantic = first.input_proj(latent)
            latent = rest.output_proj(rest.input_proj(latent))
        y, log_magnitude = codec.synthesize(latent)
        y_now, x_now = y[:, delay:], x[:, :-delay]
        agreement = nn.functional.cosine_similarity(self.reader(semantic), features, dim=-1)
        parts = {
            "spectral": self.spectral(y_now, x_now),
            "phase": self.phase(y_now, x_now),
            "head": (log_magnitude - codec.synthesis.target(x)).abs().mean(),
            "commit": distance,
            "spread": spread,
            "semantic": ((1 - agreement) * known).sum() / (known.sum() + 1e-6),
        }
        weights = {"spectral": 1, "phase": 0.3, "head": 0.5, "commit": 0.03, "spread": 0.03, "semantic": 0.5}
        return sum(weights[name] * part for name, part in parts.items()), parts


def start_codebooks(trainee: Trainee, sampler: Crops, device: torch.device) -> None:
    """k-means on at least 24,000 latents, level after level."""
    quantizer = trainee.codec.quantizer
    found: list[Tensor] = []
    with torch.no_grad():
        while sum(len(z) for z in found) < 24000:
            x, _, _ = sampler.batch(16, (77, len(found)))
            found.append(trainee.codec.latent(torch.from_numpy(x).to(device)).flatten(0, 1))
        latents = torch.cat(found)
        for part in (quantizer.rvq_first, quantizer.rvq_rest):
            rest = part.input_proj(latents)
            spread = rest.pow(2).mean()
            for codebook in part.codebooks:
                codebook.start(rest)
                rest = rest - codebook.embedding[codebook.nearest(rest)]
            print(f"k-means leaves {float(rest.pow(2).mean() / spread):.3f} of the variance", flush=True)


def work(rank: int, arguments: argparse.Namespace, meeting: Meeting | None) -> None:
    """One worker's training."""
    torch.set_num_threads(1 if arguments.workers > 1 else arguments.threads)
    torch.manual_seed(arguments.seed)
    device = torch.device(arguments.device)
    trainee = Trainee(model.Configuration()).to(device)
    average = Trainee(model.Configuration()).to(device).requires_grad_(False)
    trainee.codec.half = arguments.half
    parameters = list(trainee.parameters())
    optimizer = torch.optim.AdamW(parameters, arguments.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    codebooks = trainee.codec.quantizer.codebooks
    out = pathlib.Path(arguments.out)
    step, spent, quantized = 0, 0.0, False
    if (out / "state.pt").exists():
        state = torch.load(out / "state.pt", map_location=device, weights_only=True)
        trainee.load_state_dict(state["trainee"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent, quantized = state["step"], state["spent"], state["quantized"]
    elif arguments.start:
        trainee.codec.load_state_dict(model.load(arguments.start).state_dict())
        average.load_state_dict(trainee.state_dict())
        quantized = arguments.raw == 0
        for codebook in codebooks:
            codebook.usage.fill_(0.3)
            codebook.total.copy_(codebook.embedding * 0.3)
    else:
        average.load_state_dict(trainee.state_dict())
    sampler = Crops(arguments.frames)
    run = torch.compile(trainee) if arguments.compile else trainee
    dead = 0
    course = Course(
        rank, meeting, arguments.minutes, arguments.steps, step, spent, out / "log.jsonl", arguments.save_every
    )
    while course.goes_on():
        if course.part > arguments.raw and not quantized:
            quantized = True
            if rank == 0:
                start_codebooks(trainee, sampler, device)
            if meeting:
                meeting.from_first(rank, course.step, [b for c in codebooks for b in (c.embedding, c.usage, c.total)])
        share = 0.0 if not quantized else 0.75 if course.part < MIXED_UNTIL else 1.0
        rate = course.rate(arguments.rate, 150, FLAT_UNTIL)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = [
            torch.from_numpy(a).to(device) for a in sampler.batch(arguments.batch, (arguments.seed, rank, course.step))
        ]
        loss, parts = run(*batch, share, 0.2)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        if meeting:
            meeting.average_gradients(rank, course.step, parameters, [c.fresh for c in codebooks] if share > 0 else ())
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        if torch.isfinite(norm):
            optimizer.step()
            if share > 0:
                restart = course.step % 20 == 0
                for codebook in codebooks:
                    dead += codebook.update(0.99, restart)
                if restart and meeting:
                    meeting.from_first(
                        rank, course.step + 1, [b for c in codebooks for b in (c.embedding, c.usage, c.total)]
                    )
            course.follow(average.parameters(), parameters)
        if course.took({**parts, "norm": norm}, rate=rate, dead=dead):
            save(out, trainee, average, optimizer, course, quantized)
        dead = dead if course.step % LINE else 0
    if rank == 0:
        save(out, trainee, average, optimizer, course, quantized)


def size() -> int:
    """Values that workers average: gradients and codebooks."""
    trainee = Trainee(model.Configuration())
    books = sum(b.numel() for c in trainee.codec.quantizer.codebooks for b in (c.fresh, c.embedding, c.usage, c.total))
    return books + sum(p.numel() for p in trainee.parameters())


def save(
    out: pathlib.Path,
    trainee: Trainee,
    average: Trainee,
    optimizer: torch.optim.Optimizer,
    course: Course,
    quantized: bool,
) -> None:
    """Writes the state to resume from, and the averaged codec."""
    for mine, theirs in zip(average.buffers(), trainee.buffers()):
        mine.copy_(theirs)
    state = dict(
        trainee=trainee.state_dict(),
        average=average.state_dict(),
        optimizer=optimizer.state_dict(),
        step=course.step,
        spent=course.spent,
        quantized=quantized,
    )
    torch.save(state, out / "state.part")
    (out / "state.part").rename(out / "state.pt")
    model.save(average.codec, out / "codec.part")
    (out / "codec.part").rename(out / "codec.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=str(ROOT / "codec"))
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="of a single worker")
    parser.add_argument("--batch", type=int, default=4, help="crops per worker and step")
    parser.add_argument("--frames", type=int, default=24, help="of 80 ms per crop")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--start", help="exported weights to begin from, with new optimizer state")
    parser.add_argument("--raw", type=float, default=RAW_UNTIL, help="part of the schedule without the quantizer")
    parser.add_argument("--half", action="store_true", help="bf16 networks: faster where the processor has it")
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    pathlib.Path(arguments.out).mkdir(parents=True, exist_ok=True)
    workers.run(work, arguments, size)


if __name__ == "__main__":
    main()
