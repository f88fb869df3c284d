"""Target in, recipe out: latency table, library of levels, damage, solve, certify."""
