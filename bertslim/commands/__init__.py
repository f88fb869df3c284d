"""The commands: the order of the steps of each, one module per command."""
