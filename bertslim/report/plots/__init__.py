"""The pictures of a report: each is a function from figures to a drawing."""
