"""One module per change of the audit store's layout."""
