"""How often a request is tried again, so that an outage is not made worse by those who try. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a request goes to another replica."""

    max_tries: int = 5  # replicas that one request, or one stretch of a stream, is sent to
    first_byte_timeout_s: float = 120.0  # for a stream, which is then asked for elsewhere; 0: no limit


AS_USUAL = RetryRules()
SHARE = 0.2  # of the requests may be tried again
MOST = 1000.0  # that may be tried again at once, after a long time without trouble
LEAST = 100.0  # so many may at the beginning, when nothing has been earned


class RetryBudget:
    """What all requests of a gateway may try again together: each one earns a share of a try.

    Source: Finagle's retry budgets, https://twitter.github.io/finagle/guide/Clients.html#retries.
    """

    def __init__(self, *, share: float = SHARE, most: float = MOST, least: float = LEAST) -> None:
        self._share = share
        self._most = most
        self._left = least

    def earn(self) -> None:
        """A request has come."""
        self._left = min(self._left + self._share, self._most)

    def spend(self) -> bool:
        """Whether one more may be tried again."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
