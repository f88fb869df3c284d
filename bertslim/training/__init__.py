"""Brief gradient training."""
