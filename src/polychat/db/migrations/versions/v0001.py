"""The first tables: responses, conformance."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "responses",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("previous_response_id", sa.String(64)),
        sa.Column("response", sa.Text, nullable=False),
        sa.Column("input_items", sa.Text, nullable=False),
    )
    op.create_index("responses_created_at", "responses", ["created_at"])
    op.create_table(
        "conformance",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("engine", sa.String(64), primary_key=True),
        sa.Column("taken_at", sa.Double, nullable=False),
        sa.Column("results", sa.Text, nullable=False),
    )
