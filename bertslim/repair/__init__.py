"""Repair of a cut model in closed form, from texts without labels."""
