"""Scores as people and programs use them: batches, worklists, reports, the service."""
