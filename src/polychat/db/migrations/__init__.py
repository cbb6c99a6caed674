"""Alembic's folder: how each version of the tables becomes the next. `polychat` applies them itself."""
