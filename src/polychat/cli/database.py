"""Which database a command works with: the one named with --db, else a file in POLYCHAT_HOME."""

import asyncio
import logging
from typing import TYPE_CHECKING

from polychat.cli import state

if TYPE_CHECKING:
    from polychat.db.address import Address

log = logging.getLogger(__name__)


def usable(url: str) -> "Address":
    """The database that `url` names ("": the default), looked at before anything is served.

    A default one that is broken only gets a line in the log: most of the API works without.

    Raises:
        SetupError: `url` names a database that cannot be used.
    """
    from polychat.db import address, check
    from polychat.errors import SetupError

    if url:
        named = address.parse(url)
        asyncio.run(check.require_usable(named))
        return named
    default = address.of_file(state.home() / "polychat.db")
    try:
        state.made(state.home())
        asyncio.run(check.require_usable(default))
    except SetupError as exc:
        log.warning("nothing can be stored: %s", exc)
    return default
