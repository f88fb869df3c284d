"""What runs each command and prints: imported once the command line is understood."""
