"""Runs the program that is compared or judged."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.common.places import REPOSITORY

PROGRAM = Path(os.environ.get("ANTIPHON", REPOSITORY / ".build" / "release" / "antiphon"))


def require_program() -> None:
    """Ends with advice where the program has not been built."""
    if not PROGRAM.exists():
        raise SystemExit(f"{PROGRAM} is missing: run `swift build -c release`, or set ANTIPHON to the program")


def antiphon(*arguments: str | Path, quiet: bool = False) -> str:
    """Runs the program and returns what it printed; its failure ends this program as well.

    What it writes to the standard error is shown as it comes or, with `quiet`, only when it fails.
    """
    require_program()
    errors = subprocess.PIPE if quiet else None
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], stdout=subprocess.PIPE, stderr=errors, text=True)
    if done.returncode:
        print(done.stderr or "", end="", file=sys.stderr)
        raise SystemExit(f"antiphon {' '.join(map(str, arguments))} ended with {done.returncode}")
    return done.stdout


def antiphon_json(*arguments: str | Path, quiet: bool = False) -> Any:
    """What the program prints with `--json`."""
    return json.loads(antiphon(*arguments, "--json", quiet=quiet))
