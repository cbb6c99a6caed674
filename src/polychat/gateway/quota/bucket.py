"""The rule of limits per minute: a bucket that drips at the limit's rate and takes what fits. Pure.

Source: the generic cell rate algorithm as a continuous leaky bucket, ITU-T Recommendation I.371, annex A.
"""

WINDOW_S = 60.0
_ROUNDING = 1e-6  # of one request or token


def level_at(level: float, since_s: float, now_s: float, limit: float) -> float:
    """What is in a bucket that held `level` at `since_s`. A clock that went back drips nothing."""
    if now_s > since_s:
        level -= (now_s - since_s) * limit / WINDOW_S
    return level if level > 0.0 else 0.0


def wait_s(level: float, need: float, limit: float) -> float:
    """Seconds until `need` fits, if nothing else comes; 0: it fits now. It never does where need > limit."""
    too_much = level + need - limit
    return 0.0 if too_much <= _ROUNDING else too_much * WINDOW_S / limit


def empty_s(level: float, limit: float) -> float:
    """Seconds until the bucket is empty, if nothing else comes."""
    return level * WINDOW_S / limit
