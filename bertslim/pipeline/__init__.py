"""The commands as functions: each owns the order of its steps."""
