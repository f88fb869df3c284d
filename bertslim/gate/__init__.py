"""The rules of `bertslim check` and their verdicts. Nothing is measured here."""
