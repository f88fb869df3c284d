"""What a recipe may say, how it is read, and what it makes of a model."""
