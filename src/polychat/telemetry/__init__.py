"""What a process tells of itself: logs (logs.py), metrics (metrics.py), traces (traces.py)."""

from polychat.telemetry.logs import set_up_logging

__all__ = ["set_up_logging"]
