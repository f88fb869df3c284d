"""The settings of each command, their defaults, and their command-line options."""
