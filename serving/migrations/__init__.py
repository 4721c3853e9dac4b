"""Layouts of the audit store, oldest first; run by ``serving.audit_schema`` through Alembic."""
