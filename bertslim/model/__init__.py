"""Checkpoints: where blocks live, the slim classes, loading and saving."""
