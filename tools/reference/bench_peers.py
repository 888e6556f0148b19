"""Ours and the rivals in turn, on the same files, in one run: medians of every round, and their ratios."""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from tools.common.places import REPOSITORY
from tools.common.program import antiphon_json, require_program
from tools.reference import large

FLAGS = (
    "avx2",
    "f16c",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_int8",
    "amx_bf16",
    "asimddp",
    "i8mm",
    "bf16",
)


class Peer:
    """A rival's process: asleep on its input between rounds."""

    def __init__(self, threads: int, *arguments: str | Path) -> None:
        limits = {name: str(threads) for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools.reference.peer", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | limits,
            cwd=REPOSITORY,
        )
        assert self.process.stdin and self.process.stdout
        self.requests, self.answers = self.process.stdin, self.process.stdout
        if self.answers.readline().strip() != "ready":
            raise SystemExit(f"the rival {arguments[0]} did not start")

    def round(self) -> dict:
        """Asks for one round: percentiles of each part."""
        self.requests.write("go\n")
        self.requests.flush()
        return json.loads(self.answers.readline())

    def end(self) -> None:
        """Lets the process end, and waits for it."""
        self.requests.close()
        self.process.wait()


def ours(frames: int, parts: tuple[str, ...], *arguments: str | Path) -> dict:
    """One round of our program, one frame right after the other as the rivals run, in the rivals' terms."""
    report = antiphon_json("bench", *arguments, "--flat-out", "--frames", str(frames))
    return {
        part: {f"{level}_ms": report["stages"][f"{part}_ms"][level] for level in ("p50", "p90", "p99")}
        for part in parts
    }


def machine() -> dict:
    """What this machine is: processor, flags, memory, kernel."""
    described = json.loads(subprocess.run(["lscpu", "--json"], capture_output=True, text=True, check=True).stdout)
    fields = {}

    def walk(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            fields[entry["field"].rstrip(":")] = entry["data"]
            walk(entry.get("children", []))

    walk(described["lscpu"])
    words = fields.get("Flags", "").split()
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {
        "processor": fields.get("Model name", platform.processor()),
        "processors": int(fields.get("CPU(s)") or os.cpu_count() or 0),
        "threads_per_core": fields.get("Thread(s) per core", ""),
        "flags": [flag for flag in FLAGS if flag in words],
        "memory_gb": round(int(memory.split()[1]) / 1e6, 1),
        "kernel": platform.release(),
    }


def load() -> float:
    """The machine's load, mean of a minute."""
    return os.getloadavg()[0]


def alternate(rounds: int, contenders: dict) -> dict[str, list[dict]]:
    """A B A B ...: slow drift of the machine then meets both alike."""
    results: dict[str, list[dict]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            results[name].append(run())
    return results


def summary(results: dict[str, list[dict]], parts: tuple[str, ...]) -> dict:
    """For each contender and part, the median of its rounds' medians, and how far these lie apart."""
    table: dict[str, dict] = {}
    for name, rounds in results.items():
        table[name] = {}
        for part in parts:
            medians = [entry[part]["p50_ms"] for entry in rounds]
            table[name][part] = {
                "p50_ms": median(medians),
                "lowest_round_ms": min(medians),
                "highest_round_ms": max(medians),
                "p90_ms": median(entry[part]["p90_ms"] for entry in rounds),
                "p99_ms": median(entry[part]["p99_ms"] for entry in rounds),
            }
    return table


def show(title: str, table: dict, ours: str) -> None:
    """Prints a summary as a table."""
    print(f"\n{title}")
    print(f"| {'':<24} | {'part':<15} | median ms | rounds (lowest to highest) | p99 ms | ours is faster by |")
    print(f"| {'-' * 24} | {'-' * 15} | --------- | -------------------------- | ------ | ----------------- |")
    for name, parts in table.items():
        rows = {part: (entry["p50_ms"], entry) for part, entry in parts.items()}
        if len(rows) > 1:
            rows["encode + decode"] = (sum(middle for middle, _ in rows.values()), None)
        for part, (middle, entry) in rows.items():
            mine = table[ours]
            base = sum(value["p50_ms"] for value in mine.values()) if entry is None else mine[part]["p50_ms"]
            span = f"{entry['lowest_round_ms']:.2f} to {entry['highest_round_ms']:.2f}" if entry else ""
            slowest = f"{entry['p99_ms']:.1f}" if entry else ""
            ratio = "" if name == ours else f"{middle / base:.2f} x"
            print(f"| {name:<24} | {part:<15} | {middle:9.2f} | {span:<26} | {slowest:>6} | {ratio:>17} |")


def bench_codec(options: argparse.Namespace) -> dict:
    """Times the codecs in turn, one frame after the other; their summary."""
    path = large.mimi()
    peers = {"rustymimi f32": Peer(1, "rustymimi", path, options.frames)}
    if options.official:
        peers["official package f32"] = Peer(1, "official-codec", path, options.frames)
    parts = ("encode", "decode")
    codec = ("codec", "--codec", path, "--codebooks", "8", "--threads", "1")
    contenders = {"antiphon": lambda: ours(options.frames, parts, *codec)}
    contenders |= {name: peer.round for name, peer in peers.items()}
    table = summary(alternate(options.rounds, contenders), parts)
    for peer in peers.values():
        peer.end()
    show("Mimi at its true size, 8 codebooks, one thread, one frame of 80 ms", table, "antiphon")
    return table


def bench_step(options: argparse.Namespace) -> dict:
    """Times a step of the language models in turn; their summary."""
    directory = large.model(options.shape, "bf16")
    threads = options.threads
    # On processors without bf16 arithmetic the official package is faster in f32: a fair rival is its better one.
    peers = {
        f"official package {kind}": Peer(threads, "official-step", directory, options.steps, threads, kind)
        for kind in ("bf16", "f32")
    }
    # The official package reads every slot of its window from the first step on; ours reads what has been written.
    context = large.SHAPES[options.shape]["context"]
    frames = 2 * context if options.full_window else options.frames
    model = ("step", "--model", directory, "--threads", str(threads))
    contenders = {"antiphon bf16": lambda: ours(frames, ("step",), *model)}
    contenders |= {name: peer.round for name, peer in peers.items()}
    table = summary(alternate(options.rounds, contenders), ("step",))
    for peer in peers.values():
        peer.end()
    window = f"our window: {min(frames, context)} of {context} positions at the end of a round"
    show(f"one step of the language model, {options.shape} shape, {threads} threads; {window}", table, "antiphon bf16")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/bench-peers", description=__doc__)
    parser.add_argument("subjects", nargs="*", help="codec, step (both when none is named)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=100, help="frames per round of both codecs, and of our model")
    parser.add_argument("--steps", type=int, default=20, help="steps per round of a rival model")
    parser.add_argument("--threads", type=int, default=2, help="threads of the language model step")
    parser.add_argument(
        "--full-window", action="store_true", help="our model: so many steps that most see a full window"
    )
    parser.add_argument("--shape", choices=large.SHAPES, default="stt-1b")
    parser.add_argument("--official", action="store_true", help="the official package's codec too")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    options = parser.parse_args()
    subjects = options.subjects or ["codec", "step"]
    require_program()
    report: dict[str, Any] = {"machine": machine(), "load_before": load()}
    print(json.dumps(report["machine"]))
    print(f"load before: {report['load_before']:.2f}")
    if report["load_before"] > 0.5:
        print("the machine is busy: rivals suffer from that more than we do, so these ratios flatter us")
    for subject in subjects:
        if subject not in ("codec", "step"):
            parser.error(f"unknown subject {subject}")
        report[subject] = {"codec": bench_codec, "step": bench_step}[subject](options)
    report["load_after"] = load()
    print(f"\nload after: {report['load_after']:.2f} (this run's own included)")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
