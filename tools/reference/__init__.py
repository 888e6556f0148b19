"""The official package's answers, true-size checkpoints and rivals: what ours is compared with."""
