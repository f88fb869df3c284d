"""Data sets as texts, disjoint splits and tokenised batches, and the metrics of each task."""
