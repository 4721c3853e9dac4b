"""Run by Alembic: migrate over the connection that ``serving.audit_schema`` hands in."""

from alembic import context

from serving.audit_schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transaction_per_migration=False,
)
context.run_migrations()
