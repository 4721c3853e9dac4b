"""The definitions of all features, one query a file."""
