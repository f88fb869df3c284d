"""Writing of directories and files, each whole or not at all, and never over anything else."""
