"""What a run leaves behind where it is disturbed."""
