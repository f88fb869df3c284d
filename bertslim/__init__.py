"""Make BERT-family models smaller and faster, and prove that they are still good."""

__version__ = "0.1.0"
