"""The cut of a loaded model: blocks, neurons, heads and layers, and their ranking."""
