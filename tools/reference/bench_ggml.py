"""Our step against ggml's, in turn, on the same shape and number of bits: medians of every round, and their ratios.

Needs no package but those that tools/reference/setup-ggml sets up.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from tools.common.places import REFERENCE
from tools.common.program import PROGRAM

HERE = Path(__file__).resolve().parent
# Width, layers, heads, hidden width, tokens: as antiphon bench step --shape has them.
SHAPES = {
    "backbone-1b": (2048, 16, 16, 5632, 48000),
    "backbone-2b": (2560, 24, 20, 7040, 48000),
    "backbone-7b": (4096, 32, 32, 11264, 32000),
}


def model(home: Path, shape: str, bits: int) -> Path:
    """The path of ggml's model of a shape, made where it is missing."""
    kind = {4: "q4_0", 8: "q8_0"}[bits]
    path = REFERENCE / "models" / f"{shape}-{kind}.gguf"
    if not path.exists():
        print(f"making {path}", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        sizes = map(str, SHAPES[shape])
        subprocess.run([home / "venv/bin/python", HERE / "ggml_model.py", partial, kind, *sizes], check=True)
        partial.rename(path)
    return path


class Neighbour:
    """Another process that has all of one processor to do with, and competes for it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import os\nos.sched_setaffinity(0, {max(os.sched_getaffinity(0))})\nwhile True: pass",
            ]
        )

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()


def ggml(home: Path, path: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Milliseconds of one step, of one token or of `columns` tokens at once: median, and the slowest."""
    one = options.columns == 1
    # With a neighbour every step counts by itself.
    steps = options.steps if one and not options.busy else 1
    done = subprocess.run(
        [
            home / "build/bin/llama-bench",
            "-m",
            path,
            "-t",
            str(options.threads),
            "-fa",
            "1",
            "-o",
            "json",
            "-p",
            "0" if one else str(options.columns),
            "-n",
            str(steps) if one else "0",
            "-d",
            str(options.cache),
            "-r",
            "3" if steps > 1 else str(3 * options.steps),
            "-ctk",
            options.kv_ggml,
            "-ctv",
            options.kv_ggml,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    times = [nanoseconds / steps / 1e6 for nanoseconds in json.loads(done.stdout)[0]["samples_ns"]]
    return median(times), max(times)


def ours(options: argparse.Namespace) -> tuple[float, float, dict]:
    """Milliseconds of our step, median and 99th percentile, and what the report says of the run."""
    done = subprocess.run(
        [
            PROGRAM,
            "bench",
            "step",
            "--shape",
            options.shape,
            "--bits",
            str(options.bits),
            "--kv",
            options.kv,
            "--threads",
            str(options.threads),
            "--conversations",
            str(options.columns),
            "--frames-in-cache",
            str(options.cache),
            "--frames",
            str(3 * options.steps),
            "--realtime" if options.realtime else "--flat-out",
            "--json",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = json.loads(done.stdout)
    step = report["stages"]["step_ms"]
    return step["p50"], step["p99"], report["run"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench-peers ggml", description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="backbone-1b")
    parser.add_argument("--bits", type=int, choices=(4, 8), default=4)
    parser.add_argument("--columns", type=int, default=1, help="tokens of one step; conversations, in ours")
    parser.add_argument("--cache", type=int, default=0, help="positions in the window")
    parser.add_argument("--kv", default="q8", help="form of our keys and values")
    parser.add_argument("--kv-ggml", default="f16", help="form of ggml's")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12, help="steps of one round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", action="store_true", help="while another process takes one processor")
    parser.add_argument(
        "--realtime", action="store_true", help="ours as in a live session: its priority, a step every 80 ms"
    )
    parser.add_argument("--make", action="store_true", help="make the model and stop")
    options = parser.parse_args()
    home = Path(subprocess.run([HERE / "setup-ggml"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    path = model(home, options.shape, options.bits)
    if options.make:
        return
    times: dict[str, list[float]] = {"antiphon": [], "ggml": []}
    slowest: dict[str, list[float]] = {"antiphon": [], "ggml": []}
    runs = []
    neighbour = Neighbour() if options.busy else None
    try:
        for _ in range(options.rounds):
            middle, late, run = ours(options)
            times["antiphon"].append(middle)
            slowest["antiphon"].append(late)
            runs.append(run)
            middle, late = ggml(home, path, options)
            times["ggml"].append(middle)
            slowest["ggml"].append(late)
    finally:
        if neighbour:
            neighbour.end()
    run = runs[len(runs) // 2]
    print(
        f"{options.shape}, {options.bits} bits, {options.columns} columns, {options.cache} positions in the window, "
        f"{options.threads} threads; ours keeps them as {options.kv}, ggml as {options.kv_ggml}"
        + ("; another process takes one processor" if options.busy else "")
        + ("; ours with the priority and at the pace of a live session" if options.realtime else "")
    )
    for name, rounds in times.items():
        span = f"{min(rounds):.1f} to {max(rounds):.1f}"
        tail = f"slowest {median(slowest[name]):.1f}" if options.busy or name == "antiphon" else ""
        print(f"{name:<9} {median(rounds):7.2f} ms   rounds {span}   load {os.getloadavg()[0]:.1f}   {tail}")
    print(
        f"ours is faster by {median(times['ggml']) / median(times['antiphon']):.2f} x; it reads "
        f"{int(run['bytes_per_step']) / 1e9:.3f} GB a step, {run['gigabytes_per_second']} GB/s of "
        f"{run['memory_gigabytes_per_second']} that memory gives"
        # At the pace of a session memory is not measured between the steps.
        + (
            ""
            if options.realtime
            else f", compared step by step {100 * median([float(run['of_memory']) for run in runs]):.1f} %"
        )
    )


if __name__ == "__main__":
    main()
