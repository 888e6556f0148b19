"""Watches whether the machine itself stands still: a process of the highest priority that only sleeps, 2 ms at a time.

A virtual machine that is paused by its host, or a kernel that keeps real-time programs back, shows here and nowhere else.
Prints one line per stall of more than 10 ms: when (CLOCK_MONOTONIC), and how long in milliseconds.
"""
import os, time

try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
except OSError:
    pass
last = time.monotonic()
while os.getppid() != 1:
    time.sleep(0.002)
    now = time.monotonic()
    if now - last > 0.012:
        print(f"{now:.3f} {(now - last) * 1000 - 2:.1f}", flush=True)
    last = now
