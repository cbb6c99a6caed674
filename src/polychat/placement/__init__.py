"""How many replicas where, and starting them.

Read `roles.py` (what runs), `restarts.py` (when it runs again), then `local.py`, which does it here.
"""
