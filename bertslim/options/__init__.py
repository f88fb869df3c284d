"""What each command is asked for: its settings, their defaults and how they are written."""
