"""Sizes of sound that everything shares."""

RATE = 24_000  # samples of a second
FRAME = 1920  # samples of a frame
FRAMES_PER_SECOND = RATE / FRAME
