"""Rules that a slim model passes, fails or leaves open. Nothing is measured here."""
