"""From a name or path to texts, disjoint splits, tokenised batches and the metrics of a task."""
