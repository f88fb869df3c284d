"""What `bertslim cut` costs above plain loading and saving: `run.py`."""
