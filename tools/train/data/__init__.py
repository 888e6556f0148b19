"""Speech: who speaks, what is said, and where; packed for training."""
