"""How models are made and judged."""
