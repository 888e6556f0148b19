"""Proves that the Python packages of tools/ import each other along their arrows only. Tests may import what they like.

Run it from the repository's root: python -m tools.common.arrows
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.common.places import REPOSITORY

# package: those of ours that it may import beside itself
ARROWS = {
    "tools.common": (),
    "tools.reference": ("tools.common",),
    "tools.train": ("tools.common",),
    "tools.train.data": ("tools.common", "tools.train"),
    "tools.train.codec": ("tools.common", "tools.train", "tools.train.data"),
    "tools.train.dialogue": ("tools.common", "tools.train", "tools.train.data", "tools.train.codec"),
    "tools.train.judge": (
        "tools.common",
        "tools.train",
        "tools.train.data",
        "tools.train.codec",
        "tools.train.dialogue",
    ),
}


def package_of(name: str) -> str:
    """The package of ARROWS that a module or package belongs to."""
    return name if name in ARROWS else package_of(name.rpartition(".")[0])


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each module of ours that a file imports, inside of functions as well."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name.startswith("tools."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tools."):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                is_module = (REPOSITORY / (whole.replace(".", "/") + ".py")).exists() or whole in ARROWS
                yield node.lineno, whole if is_module else str(node.module)


def main() -> None:
    """Prints every import against an arrow; ends with status 1 if there are any."""
    wrong = 0
    for package, allowed in ARROWS.items():
        for path in sorted((REPOSITORY / package.replace(".", "/")).glob("*.py")):
            if path.name.startswith("test_"):
                continue
            for line, name in imported(path):
                if package_of(name) not in (package, *allowed):
                    print(f"{path.relative_to(REPOSITORY)}:{line}: {package} may not import {name}")
                    wrong += 1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
