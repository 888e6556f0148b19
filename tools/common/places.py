"""Where things are: the repository, and the cache of large files."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "antiphon"
REFERENCE = CACHE / "reference"  # of the official package: checkpoints, answers, recordings
