"""Every family of the table through every operation, repair and export, on tiny models."""
