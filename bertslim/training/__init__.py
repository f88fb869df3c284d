"""Brief gradient training, with a teacher or on labels."""
