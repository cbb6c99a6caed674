"""polychat: many models, one service."""

__version__ = "0.1.0"
