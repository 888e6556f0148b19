"""Judges of codecs and dialogue models, in PyTorch and through the program."""
