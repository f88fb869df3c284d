"""Functions that run each command and print: imported after the command line is parsed."""
