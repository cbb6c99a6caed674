"""/admin: for callers whose key has the role admin, and nobody else; table.py sees to that."""
