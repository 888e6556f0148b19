"""Training processes of one thread each, which average what they learn."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.multiprocessing as processes
from torch import Tensor


class Meeting:
    """Where workers average one flat array per step. Two buffers in turn, so one barrier a step is enough."""

    def __init__(self, workers: int, size: int) -> None:
        self.buffers = torch.zeros(2, workers, size).share_memory_()
        self.barrier = processes.get_context("spawn").Barrier(workers)

    def average(self, rank: int, step: int, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors by their means over the workers."""
        buffer = self.buffers[step % 2]
        torch.cat([t.reshape(-1) for t in tensors], out=buffer[rank, : sum(t.numel() for t in tensors)])
        self.barrier.wait()
        flat, place = buffer.mean(0), 0
        for tensor in tensors:
            tensor.copy_(flat[place : place + tensor.numel()].view_as(tensor))
            place += tensor.numel()

    def average_gradients(
        self, rank: int, step: int, parameters: Sequence[Tensor], others: Iterable[Tensor] = ()
    ) -> None:
        """Parameters that this worker's batch did not touch count as zeros, and take part in the step as well."""
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        self.average(rank, step, [*(parameter.grad for parameter in parameters), *others])

    def from_first(self, rank: int, step: int, tensors: Sequence[Tensor]) -> None:
        """Everyone takes the first worker's values."""
        buffer = self.buffers[step % 2]
        if rank == 0:
            torch.cat([tensor.reshape(-1) for tensor in tensors], out=buffer[0, : sum(t.numel() for t in tensors)])
        self.barrier.wait()
        place = 0
        for tensor in tensors:
            tensor.copy_(buffer[0, place : place + tensor.numel()].view_as(tensor))
            place += tensor.numel()
        self.barrier.wait()


def ahead(batches: torch.utils.data.Dataset, first: int, loaders: int) -> Iterator[Any]:
    """An iterator over a dataset of batches from step `first` on, made by so many processes ahead; 0: when they
    are asked for.
    """
    several = dict(prefetch_factor=4, multiprocessing_context="fork") if loaders else {}
    return iter(
        torch.utils.data.DataLoader(
            batches,
            batch_size=None,
            sampler=range(first, 10**9),
            collate_fn=lambda batch: batch,
            num_workers=loaders,
            **several,
        )
    )


def run(
    work: Callable[[int, argparse.Namespace, Meeting | None], None],
    arguments: argparse.Namespace,
    size: Callable[[], int],
) -> None:
    """Runs `work(rank, arguments, meeting)` in as many processes as asked for; one alone has no meeting.

    `size()` is the number of values that a step averages.
    """
    # Large blocks stay with the process: giving each back and clearing it anew costs a fifth of the time.
    os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_="100000000000", MALLOC_TOP_PAD_="268435456")
    if arguments.workers == 1:
        work(0, arguments, None)
        return
    meeting = Meeting(arguments.workers, size())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # takes the workers along
    processes.spawn(work, (arguments, meeting), nprocs=arguments.workers, daemon=True)
