"""The service cannot, now: nothing is ready, a replica broke, the database is away."""

from collections.abc import Mapping

from polychat.errors.platform import PlatformError


class NoReplicaAvailable(PlatformError):
    status = 503
    code = "no_replica_available"

    def __init__(
        self, model: str, *, reason: str = "it has no ready replica", retry_after_s: int = 2
    ) -> None:
        super().__init__(f"The model {model!r} cannot answer now: {reason}. Try again in {retry_after_s} s.")
        self._retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self._retry_after_s)}


class Overloaded(PlatformError):
    """More is asked of a model than it can do: the queue is full, or too long for the client's patience."""

    status = 503
    code = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self._retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self._retry_after_s)}


class DatabaseUnavailable(PlatformError):
    status = 503
    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The database of this service cannot be used now; its log says why. Requests that "
            "store nothing (`store: false`) still work."
        )


class ReplicaError(PlatformError):
    status = 502
    code = "replica_error"


class ReplicaTimeout(ReplicaError):
    status = 504
    code = "replica_timeout"


class ReplicaUnavailable(ReplicaError):
    status = 503
    code = "replica_unavailable"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": "2"}


class ReplicaBusy(ReplicaUnavailable):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after_s: int = 2) -> None:
        super().__init__(message)
        self._retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        return {"retry-after": str(self._retry_after_s)}
