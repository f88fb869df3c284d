"""Closed-form repair of what was cut."""
