"""Are our numbers the official package's numbers, at true size? Random checkpoints, both programs, one table."""

import argparse
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tools.common.sizes import RATE

os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch
from safetensors.torch import load_file

from tools.common.places import REFERENCE
from tools.common.program import antiphon
from tools.reference import large, official_codec, official_dialogue
from tools.reference.recordings import recorded_speech
from tools.reference.tensors import save

PCM_LIMIT = 1e-4
LOGITS_LIMIT = 1e-3


class Table:
    """Rows of what was compared, what came out, what is allowed."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str]] = []
        self.good = True

    def add(self, subject: str, what: str, found: str, allowed: str, good: bool) -> None:
        """Adds a row."""
        self.rows.append((subject, what, found, allowed, "yes" if good else "NO"))
        self.good &= good

    def show(self) -> None:
        """Prints the table."""
        head = ("subject", "compared", "found", "allowed", "met")
        widths = [max(len(row[column]) for row in (head, *self.rows)) for column in range(5)]
        for row in (head, tuple("-" * width for width in widths), *self.rows):
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def remembered(key: str, make: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """What the official package answered last time for exactly this question, or now."""
    path = REFERENCE / "answers" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.safetensors"
    if not path.exists():
        print(f"asking the official package: {key}", flush=True)
        save(path, make(), {"question": key}, limit=None, quiet=True)
    return load_file(path)


def ours(kind: str, model: Path, question: dict[str, torch.Tensor], *options: str) -> dict[str, torch.Tensor]:
    """What our program answers to the same question."""
    folder = REFERENCE / "answers"
    folder.mkdir(parents=True, exist_ok=True)
    given, answer = folder / f"{kind}-in.safetensors", folder / f"{kind}-out.safetensors"
    answer.unlink(missing_ok=True)
    save(given, question, limit=None, quiet=True)
    antiphon("trace", kind, model, given, answer, *options)
    return load_file(answer)


def fingerprint(tensor: torch.Tensor) -> str:
    """Changes when a tensor's content does."""
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()[:16]


def edition(path: Path) -> str:
    """Changes when a checkpoint is made anew."""
    return f"{path.parent.name}/{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}"


def compare_codec(table: Table, options: argparse.Namespace) -> None:
    """Adds rows for a true-size Mimi: codes, and sound."""
    path = large.mimi()
    pcm = torch.from_numpy(recorded_speech(options.seconds, options.speech))
    codebooks = options.codebooks
    subject = f"Mimi, true size, {len(pcm) / RATE:.1f} s of speech, {codebooks} codebooks"

    def official() -> dict[str, torch.Tensor]:
        mimi = official_codec.load(path, official_codec.TRUE, codebooks)
        codes, sound = official_codec.stream(mimi, pcm)
        return {"codes": codes, "pcm": sound}

    theirs = remembered(f"codec {edition(path)} codebooks {codebooks} pcm {fingerprint(pcm)}", official)
    books = [len(row.unique()) for row in theirs["codes"]]
    print(f"{subject}: the official package used {min(books)} to {max(books)} entries of each codebook")
    if options.reference_only:
        return
    answer = ours("codec", path, {"pcm": pcm}, "--codebooks", str(codebooks))
    equal = (answer["codes"] == theirs["codes"]).float().mean().item()
    if equal < 1:
        where = (answer["codes"] != theirs["codes"]).any(0).nonzero()[0].item()
        print(f"first frame with other codes: {where}")
    worst = (answer["pcm"] - theirs["pcm"]).abs().max().item()
    table.add(subject, "codes equal", f"{equal:.4%}", "100 %", equal == 1)
    table.add(subject, "PCM max abs error", f"{worst:.2e}", f"{PCM_LIMIT:.0e}", worst <= PCM_LIMIT)


def compare_dialogue(table: Table, shape: str, options: argparse.Namespace) -> None:
    """Adds rows for a language model of a shape: tokens, and logits."""
    directory = large.model(shape, options.weights, context=options.context)
    config = large.SHAPES[shape]
    codes = official_dialogue.user_codes(config["n_q"] - config["dep_q"], options.steps, config["card"], seed=9)
    subject = f"{shape}, {options.weights} weights, context {options.context}, {options.steps} steps"

    def official() -> dict[str, torch.Tensor]:
        # Weights as stored, arithmetic in float32: the exact meaning of the file.
        return official_dialogue.trace(official_dialogue.load(directory, torch.float32), codes)

    weights = directory / config["moshi_name"]
    theirs = remembered(f"dialogue {edition(weights)} codes {fingerprint(codes)}", official)
    gap = official_dialogue.narrowest_choice(theirs)
    print(f"{subject}: {len(theirs['text'].unique())} distinct text tokens, narrowest choice {gap:.1e}")
    if options.reference_only:
        return
    answer = ours("dialogue", directory, {"codes": codes}, "--threads", str(options.threads))
    for name in ("text", "audio", "output", "text_logits", "audio_logits"):
        if name not in theirs:
            continue
        if name.endswith("logits"):
            worst = (answer[name] - theirs[name]).abs().max().item()
            found, allowed, good = f"{worst:.2e}", f"{LOGITS_LIMIT:.0e}", worst <= LOGITS_LIMIT
            table.add(subject, f"{name.replace('_', ' ')}, max abs error", found, allowed, good)
        else:
            same = (answer[name] == theirs[name]).flatten(1 if answer[name].dim() > 1 else 0)
            steps = same.all(1) if same.dim() > 1 else same
            first = "" if steps.all() else f", first other in step {(~steps).nonzero()[0].item()}"
            count = int(steps.sum())
            table.add(subject, f"{name}, greedy", f"{count} of {len(steps)} steps{first}", "all", count == len(steps))


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/parity", description=__doc__)
    parser.add_argument("subjects", nargs="*", help="codec, dialogue, stt-1b, 7b-two-layers, or all (the default)")
    parser.add_argument("--seconds", type=float, default=20, help="length of the recorded speech")
    parser.add_argument("--speech", help="a 16-bit WAV to use instead of the Debian recordings")
    parser.add_argument("--codebooks", type=int, default=8)
    parser.add_argument("--weights", choices=large.TYPES, default="bf16", help="how the language models are stored")
    parser.add_argument("--context", type=int, default=40, help="attention window; the ring wraps every so many steps")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reference-only", action="store_true", help="prepare the official answers only")
    options = parser.parse_args()
    if options.steps < 2 * options.context:
        parser.error("steps must be at least twice the context, so that the ring wraps twice")
    groups = {"codec": ["codec"], "dialogue": ["stt-1b", "7b-two-layers"], "all": ["codec", "stt-1b", "7b-two-layers"]}
    subjects = [name for word in options.subjects or ["all"] for name in groups.get(word, [word])]
    torch.set_grad_enabled(False)
    torch.set_num_threads(options.threads)
    table = Table()
    for subject in subjects:
        if subject == "codec":
            compare_codec(table, options)
        elif subject in large.SHAPES:
            compare_dialogue(table, subject, options)
        else:
            parser.error(f"unknown subject {subject}")
    if table.rows:
        table.show()
    sys.exit(0 if table.good else 1)


if __name__ == "__main__":
    main()
