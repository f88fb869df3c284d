"""The version of bertslim."""

__version__ = "0.1.0"
