"""Who asks may not, or not so much."""

from collections.abc import Mapping

from polychat.errors.platform import PlatformError


class Unauthorized(PlatformError):
    status = 401
    type = "invalid_request_error"  # what OpenAI sends with a bad key
    code = "invalid_api_key"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"www-authenticate": "Bearer"}


class NotAllowed(PlatformError):
    """The key is known, but not good for this."""

    status = 403
    type = "permission_error"
    code = "permission_denied"


class RateLimited(PlatformError):
    """A limit of the caller's key is reached for now. `headers` say how much there is, and when."""

    status = 429
    code = "rate_limit_exceeded"

    def __init__(
        self, message: str, *, kind: str = "requests", retry_after_s: int, limits: Mapping[str, str]
    ) -> None:
        """`kind`: requests or tokens, as OpenAI says it; `limits`: the x-ratelimit-* headers."""
        super().__init__(message)
        self.type = kind
        self._headers = {"retry-after": str(retry_after_s), **limits}

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers


class BudgetSpent(PlatformError):
    """The caller's key has used what it may in its day or month."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self._retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            "retry-after": str(self._retry_after_s),
            "x-should-retry": "false",  # OpenAI's SDKs heed it: days are too long to wait
        }
