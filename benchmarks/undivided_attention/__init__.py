"""How many FFN blocks a BERT needs: `run.py`."""
