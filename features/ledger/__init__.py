"""The ledger: its contract, validation, import, reading and invariants."""
