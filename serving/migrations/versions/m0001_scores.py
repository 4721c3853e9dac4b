"""One row per answer, as the first release wrote it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_COLUMNS = (
    "request_id",
    "at",
    "caller",
    "route",
    "model_version",
    "feature_digest",
    "as_of",
    "snapshot",
    "account_ids",
    "response_sha256",
)


def upgrade() -> None:
    """Make the table; a store of the first release has it and no version of its layout."""
    if sa.inspect(op.get_bind()).has_table("scores"):
        return
    op.create_table(
        "scores",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(),
            primary_key=True,
        ),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _COLUMNS),
    )
    op.create_index("scores_request_id", "scores", ["request_id"])
