"""Every table, in SQLAlchemy Core. JSON is text, so that it can be read with any database tool."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text

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

keys = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),  # may be shown; not the secret
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("role", String(16), nullable=False),  # user or admin
    Column("priority", String(16), nullable=False),  # interactive or batch
    Column("prefix", String(32), nullable=False),  # the secret's first characters, to know it by
    Column("hash", String(64), nullable=False, unique=True),  # hex SHA-256 of the secret
    Column("old_hash", String(64), unique=True),  # of the secret before the last rotation
    Column("old_until", Double),  # until then that one works too
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("models", Text, nullable=False),  # a JSON list; empty: all
    Column("requests_per_minute", BigInteger, nullable=False),  # 0: no limit, as in the next
    Column("tokens_per_minute", BigInteger, nullable=False),
    Column("concurrent", BigInteger, nullable=False),
    Column("tokens_per_day", BigInteger, nullable=False),
    Column("tokens_per_month", BigInteger, nullable=False),
    Column("gpu_s_per_day", Double, nullable=False),
    Column("gpu_s_per_month", Double, nullable=False),
    Index("keys_updated_at", "updated_at"),
)

usage = Table(
    "usage",
    metadata,
    Column("day", String(10), primary_key=True),  # UTC, YYYY-MM-DD
    Column("key_id", String(32), primary_key=True),  # "": nobody in particular
    Column("model", String(255), primary_key=True),
    Column("endpoint", String(64), primary_key=True),
    Column("outcome", String(16), primary_key=True),
    Column("requests", BigInteger, nullable=False),  # sums over these requests, as in the next
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),  # of the prompts' tokens
    Column("completion_tokens", BigInteger, nullable=False),
    Column("num_ttft", BigInteger, nullable=False),  # requests that had a first token
    Column("ttft_s", Double, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("engine_s", Double, nullable=False),
)

usage_batches = Table(
    "usage_batches",  # what has been added to `usage`, so that a batch sent twice is counted once
    metadata,
    Column("writer", String(64), primary_key=True),  # one life of one gateway process
    Column("number", Integer, primary_key=True),
    Column("written_at", Double, nullable=False),
)
