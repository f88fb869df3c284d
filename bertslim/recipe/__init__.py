"""Recipes: schema, parsing, validation, and the plan of a cut."""
