"""The version of bertslim."""

__version__ = "0.2.0"
