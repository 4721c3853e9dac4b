"""What an answer is made again from, answers kept for idempotency keys, feedback, erasures."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Widen ``scores``; rows of the first release have no request and cannot be made again."""
    for name in ("request", "served", "policy_digest", "rows_digest", "software", "erased_at"):
        op.add_column("scores", sa.Column(name, sa.Text()))
    op.add_column("scores", sa.Column("feedback_seen", sa.BigInteger()))
    op.create_index("scores_at", "scores", ["at"])
    op.create_table(
        "kept",
        sa.Column("digest", sa.Text(), primary_key=True),
        *_text("kind", "used_at", "account_ids"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("caller", sa.Text(), primary_key=True),
        sa.Column("idempotency_key", sa.Text(), primary_key=True),
        *_text("at", "route", "request_sha256", "account_ids"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("id", _COUNTER, sa.Identity(), primary_key=True),
        *_text("request_id", "at", "caller", "kind", "account_id", "record"),
        sa.Column("erased_at", sa.Text()),
    )
    op.create_index("feedback_account_id", "feedback", ["account_id"])
    op.create_table(
        "erasures",
        sa.Column("id", _COUNTER, sa.Identity(), primary_key=True),
        *_text("at", "by", "found"),
    )
