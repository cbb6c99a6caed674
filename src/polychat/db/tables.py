"""Every table, in SQLAlchemy Core. JSON is text, so that it can be read with any database tool."""

from sqlalchemy import Column, Double, Index, MetaData, String, Table, Text

metadata = MetaData()

responses = Table(
    "responses",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),  # hex SHA-256 of the API key; "" where none is needed
    Column("model", Text, nullable=False),
    Column("created_at", Double, nullable=False),  # Unix seconds, as all times here
    Column("updated_at", Double, nullable=False),
    Column("status", String(16), nullable=False),
    Column("previous_response_id", String(64)),
    Column("response", Text, nullable=False),  # the Response object's JSON
    Column("input_items", Text, nullable=False),  # a JSON list
    Index("responses_created_at", "created_at"),
)

conformance = Table(
    "conformance",
    metadata,
    Column("model", Text, primary_key=True),
    Column("engine", String(64), primary_key=True),
    Column("taken_at", Double, nullable=False),
    Column("results", Text, nullable=False),  # JSON
)
