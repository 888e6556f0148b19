"""Teaching a part of a codec while the rest stays as it is: what adapt_encoder, teach_decoder and teach_both share."""

import argparse
import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tools.train.codec import model
from tools.train.course import Course
from tools.train.workers import Meeting, ahead

# What is learnt from, and its parts by name.
Loss = tuple[Tensor, dict[str, Any]]


def parser(description: str | None, minutes: float, rate: float) -> argparse.ArgumentParser:
    """The arguments that all these trainings have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("codec")
    parser.add_argument("out")
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4, help="crops per worker and step")
    parser.add_argument("--frames", type=int, default=32, help="of 80 ms per crop")
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--device", default="cpu", help="cuda: with --workers 1 and a larger --batch")
    parser.add_argument("--loaders", type=int, default=0, help="processes that make batches ahead: for a GPU")
    return parser


def deepened(path: str | pathlib.Path, out: str | pathlib.Path, **sizes: Any) -> None:
    """Writes the codec at `path` with what `sizes` says of its configuration (`decoder_blocks=8`); blocks that it had
    not add nothing.
    """
    places = {
        "encoder_blocks": "encoder.blocks",
        "encoder_middle_blocks": "encoder.middle",
        "decoder_blocks": "decoder.blocks",
    }
    old = model.load(path)
    new = model.Codec(dataclasses.replace(old.c, **sizes))
    state = new.state_dict() | old.state_dict()
    for name, place in places.items():
        for number in range(getattr(old.c, name), getattr(new.c, name)):
            state[f"{place}.{number}.gain"].zero_()
    new.load_state_dict(state)
    model.save(new, out)


def beginning(out: str) -> pathlib.Path:
    """The file of a deepened codec that a training begins with."""
    return pathlib.Path(out + ".start")


def start(arguments: argparse.Namespace, **sizes: int | None) -> str | pathlib.Path:
    """The codec to begin with: the given one or, where other sizes are asked for (None: as it is), that one
    deepened, beside OUT.
    """
    changed = {name: count for name, count in sizes.items() if count}
    if not changed:
        return arguments.codec
    path = beginning(arguments.out)
    deepened(arguments.codec, path, **changed)
    return path


def size(
    codec: str | pathlib.Path, part_of: Callable[[model.Codec], nn.Module], beside: nn.Module | None = None
) -> int:
    """Values that workers average."""
    modules = [part_of(model.load(codec)), *([beside] if beside else [])]
    return sum(p.numel() for module in modules for p in module.parameters())


class Batches(torch.utils.data.Dataset):
    """The arrays of every step, as tensors."""

    def __init__(self, batch: Callable[[int, Sequence[int]], Sequence[np.ndarray]], size: int, rank: int) -> None:
        self.batch, self.size, self.rank = batch, size, rank

    def __getitem__(self, step: int) -> list[Tensor]:
        return [torch.from_numpy(array) for array in self.batch(self.size, (7, self.rank, step))]


def refine(
    rank: int,
    arguments: argparse.Namespace,
    meeting: Meeting | None,
    part_of: Callable[[model.Codec], nn.Module],
    batch: Callable[[int, Sequence[int]], Sequence[np.ndarray]],
    loss_of: Callable[..., Loss],
    beside: nn.Module | None = None,
) -> None:
    """Trains `part_of(codec)`; goes on from OUT.state when that is there.

    `batch(size, seed)` gives arrays, `loss_of(codec, course, *tensors)` a loss and its parts. `beside` is a module that
    learns along and is not saved with the codec.
    """
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    device = torch.device(arguments.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    codec = model.load(arguments.codec).to(device)
    codec.train()
    codec.half = arguments.half
    codec.requires_grad_(False)
    mine = list(part_of(codec).requires_grad_(True).parameters())
    parameters = mine + (list(beside.parameters()) if beside else [])
    average = [p.detach().clone() for p in mine]
    optimizer = torch.optim.AdamW(parameters, arguments.rate, betas=(0.9, 0.98), weight_decay=0, fused=True)
    step, spent, path = 0, 0.0, pathlib.Path(arguments.out + ".state")
    if path.exists():
        state = torch.load(path, map_location=device, weights_only=True)
        step, spent, average = state["step"], state["spent"], state["average"]
        optimizer.load_state_dict(state["optimizer"])
        with torch.no_grad():
            torch._foreach_copy_(parameters, state["parameters"])
    course = Course(rank, meeting, arguments.minutes, step=step, spent=spent)
    batches = ahead(Batches(batch, arguments.batch, rank), step, arguments.loaders)
    while course.goes_on():
        step = course.step
        for group in optimizer.param_groups:
            group["lr"] = course.rate(arguments.rate, 100)
        loss, parts = loss_of(codec, course, *(array.to(device) for array in next(batches)))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        if meeting:
            meeting.average_gradients(rank, step, parameters)
        nn.utils.clip_grad_norm_(mine, 1.0)
        optimizer.step()
        course.follow(average, mine)
        if course.took(parts):
            save(codec, mine, average, arguments.out)
            torch.save(
                dict(
                    parameters=parameters,
                    average=average,
                    optimizer=optimizer.state_dict(),
                    step=course.step,
                    spent=course.spent,
                ),
                str(path) + ".part",
            )
            pathlib.Path(str(path) + ".part").rename(path)
    if rank == 0:
        save(codec, mine, average, arguments.out)
        for left in (path, beginning(arguments.out)):
            left.unlink(missing_ok=True)


@torch.no_grad()
def save(codec: model.Codec, parameters: Sequence[Tensor], average: Sequence[Tensor], path: str) -> None:
    """Writes the codec with the averaged parameters in place of those that are learning."""
    kept = [p.clone() for p in parameters]
    torch._foreach_copy_(parameters, average)
    model.save(codec, path + ".part")
    pathlib.Path(path + ".part").rename(path)
    torch._foreach_copy_(parameters, kept)
