"""Ledger → point-in-time features: what the books showed, described for a model."""
