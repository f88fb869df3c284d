"""What the closed-form repair saves of what a cut loses: `bases.py`, then `run.py`."""
