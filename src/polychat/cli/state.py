"""Where polychat keeps what must last: logs, the chat's history."""

import os
from pathlib import Path


def home() -> Path:
    """POLYCHAT_HOME, by default in the user's XDG state folder. It may not exist yet."""
    if chosen := os.environ.get("POLYCHAT_HOME"):
        return Path(chosen).expanduser().absolute()
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "polychat"
