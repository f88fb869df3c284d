"""The formats of data files: each kind -> a table, with the account of how it was read."""
