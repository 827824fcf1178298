"""Data quality at the edge: the table of rules as a file, and its Data Docs."""
