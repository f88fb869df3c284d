"""Repair of a cut model, in closed form and by local refinement, from texts without labels."""
