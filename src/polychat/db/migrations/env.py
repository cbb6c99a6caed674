"""What Alembic runs: it works on the connection that `polychat.db.migrate` hands over."""

from alembic import context

from polychat.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
