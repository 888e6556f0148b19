"""The spectral codec and its trainings."""
