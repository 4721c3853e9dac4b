"""Sources: exports of billing systems, read into ledger tables."""
