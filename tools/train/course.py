"""How far a training has come: a clock that its workers share, the lines of its log, and when it is time to save."""

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tools.train.workers import Meeting

LINE = 50  # steps of one line of the log
AVERAGE = 0.998  # of running means, a step


class Course:
    """`step` and `spent` (seconds) go on from an earlier run; `part` is the share of the schedule that is over."""

    def __init__(
        self,
        rank: int,
        meeting: Meeting | None,
        minutes: float,
        steps: int = 10**9,
        step: int = 0,
        spent: float = 0.0,
        log: Path | None = None,
        save_every: int = 3,
    ) -> None:
        self.rank, self.meeting, self.minutes, self.steps, self.log = rank, meeting, minutes, steps, log
        self.step, self.spent, self.part, self.save_every = step, spent, 0.0, save_every
        self.began, self.saved = time.time() - spent, time.time()
        self.sums: dict[str, float] = {}
        self.counted, self.clock = 0, torch.zeros(1)

    def goes_on(self) -> bool:
        """Whether there is time for another step, by the first worker's clock."""
        self.clock[0] = time.time() - self.began
        if self.meeting:
            self.meeting.from_first(self.rank, self.step, [self.clock])
        self.spent = float(self.clock)
        self.part = self.spent / (60 * self.minutes)
        return self.part < 1 and self.step < self.steps

    def rate(self, highest: float, warm_up: int, flat_until: float = 0.0) -> float:
        """The learning rate of this step: it rises, stays until that part of the schedule, and falls as a cosine
        to 3 %.
        """
        fallen = max(0, self.part - flat_until) / (1 - flat_until)
        return highest * min(1, (self.step + 1) / warm_up) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * fallen)))

    @torch.no_grad()
    def follow(self, averages: Iterable[Tensor], values: Iterable[Tensor]) -> None:
        """Moves running means towards the values; in the first steps they are nearly the values."""
        torch._foreach_lerp_(list(averages), list(values), 1 - min(AVERAGE, (1 + self.step) / (10 + self.step)))

    def took(self, values: Mapping[str, Any], **others: Any) -> bool:
        """Counts a step and what it gave; the first worker is told whether it is time to save."""
        self.step += 1
        if self.rank != 0:
            return False
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + (value.item() if torch.is_tensor(value) else value)
        self.counted += 1
        if self.step % LINE == 0:
            row = {name: round(value / self.counted, 4) for name, value in self.sums.items()}
            row |= dict(step=self.step, minutes=round(self.spent / 60, 2)) | others
            self.sums, self.counted = {}, 0
            print(row, flush=True)
            if self.log:
                with open(self.log, "a") as file:
                    file.write(json.dumps(row) + "\n")
        if time.time() - self.saved < 60 * self.save_every:
            return False
        self.saved = time.time()
        return True
