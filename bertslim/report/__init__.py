"""Record -> Markdown: the report, the model card and the tables that commands show."""
