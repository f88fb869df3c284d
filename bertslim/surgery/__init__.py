"""The cut itself."""
