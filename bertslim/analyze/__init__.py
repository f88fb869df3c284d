"""What each layer is worth: representations compared, probed, and left out one at a time."""
