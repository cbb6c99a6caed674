"""What each key may use, and has used: reserved when a request comes, settled when it ends."""

from polychat.engines.base import RequestView
from polychat.gateway.caller import Caller
from polychat.gateway.journey import Record


class Quota:
    """The limits of keys."""

    def reserve(self, caller: Caller, view: RequestView, *, size_bytes: int) -> int:
        """Let a request of `size_bytes` pass, and hold the tokens that it may use; how many these are.

        Raises:
            RateLimited, BudgetSpent: a limit of the key is reached.
        """
        return 0

    def settle(self, record: Record, *, reserved: int) -> None:
        """The request has ended: it pays for what it used, and no more."""
