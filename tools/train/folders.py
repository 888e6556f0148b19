"""Where training material lies, and how much of it Whisper hears at once."""

import os
from pathlib import Path

from tools.common.places import CACHE

ROOT = Path(os.environ.get("ANTIPHON_TRAIN", CACHE / "train"))
QUESTIONS = ROOT / "questions"  # sound
DIALOGUE = ROOT / "dialogue"  # codes, text pieces
TEACHERS = Path(os.environ.get("ANTIPHON_TEACHERS", CACHE / "teachers"))
WINDOW = 375  # frames in the 30 s that Whisper hears at once
