"""Training processes of one thread each, which average what they learn."""
import torch
import torch.multiprocessing as processes


class Meeting:
    """Where workers average one flat array per step. Two buffers in turn, so one barrier a step is enough."""

    def __init__(self, workers, size):
        self.buffers = torch.zeros(2, workers, size).share_memory_()
        self.barrier = processes.get_context("spawn").Barrier(workers)

    def average(self, rank, step, tensors):
        buffer = self.buffers[step % 2]
        torch.cat([t.reshape(-1) for t in tensors], out=buffer[rank, :sum(t.numel() for t in tensors)])
        self.barrier.wait()
        flat, place = buffer.mean(0), 0
        for tensor in tensors:
            tensor.copy_(flat[place:place + tensor.numel()].view_as(tensor))
            place += tensor.numel()

    def from_first(self, rank, step, tensors):
        """Everyone takes the first worker's values."""
        buffer = self.buffers[step % 2]
        if rank == 0:
            torch.cat([tensor.reshape(-1) for tensor in tensors], out=buffer[0, :sum(t.numel() for t in tensors)])
        self.barrier.wait()
        place = 0
        for tensor in tensors:
            tensor.copy_(buffer[0, place:place + tensor.numel()].view_as(tensor))
            place += tensor.numel()
        self.barrier.wait()
