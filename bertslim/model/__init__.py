"""Model families, layers and checkpoints: the slim classes, loading and saving."""
