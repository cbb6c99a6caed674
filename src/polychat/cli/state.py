"""Where polychat keeps what must last: logs, the chat's history."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from polychat.errors import SetupError

if TYPE_CHECKING:
    from polychat.db.address import Address


def home() -> Path:
    """POLYCHAT_HOME, by default in the user's XDG state folder. It may not exist yet."""
    if chosen := os.environ.get("POLYCHAT_HOME"):
        return Path(chosen).expanduser().absolute()
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "polychat"


def counts(database: "Address") -> Path:
    """The folder of what all gateways of this host that use the database count together."""
    if database.path is not None:
        return database.path.with_name(f"{database.path.name}-counts")
    name = hashlib.sha256(database.shown.encode()).hexdigest()[:12]
    return home() / "run" / f"counts-{name}"


def made(folder: Path) -> Path:
    """A folder for what only its owner may read, made if it is not there.

    Raises:
        SetupError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise SetupError(
            f"cannot make the folder {folder}: {exc.strerror}; set POLYCHAT_HOME to one you may write to"
        ) from exc
    return folder
