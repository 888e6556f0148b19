"""Where training material lies, and the sizes that everything shares."""
import os
import pathlib

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "antiphon"
ROOT = pathlib.Path(os.environ.get("ANTIPHON_TRAIN", CACHE / "train"))
TEACHERS = pathlib.Path(os.environ.get("ANTIPHON_TEACHERS", CACHE / "teachers"))
RATE, FRAME = 24000, 1920
WINDOW = 375  # frames in the 30 s that Whisper hears at once
