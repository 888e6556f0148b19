"""What tools/reference and tools/train share. Nothing here imports more than the standard library and numpy."""
