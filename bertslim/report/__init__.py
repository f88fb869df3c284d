"""Reports: a record as Markdown, HTML and model card, and the tables of commands."""
