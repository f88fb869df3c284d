"""The pictures of a report: each is a function from what was found to a drawing."""
