"""What every error that a client can see is."""

from collections.abc import Mapping


class PlatformError(Exception):
    """An error with a public face: `str(error)` is written for the client to read."""

    status: int = 500
    type: str = "server_error"
    code: str | None = "internal_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.request_id = ""  # of the request that failed; known at the end of its way
        self.reasons: tuple[str, ...] = ()  # what went wrong on the way, first things first

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers that belong to this error, such as Retry-After."""
        return {}

    def envelope(self) -> dict[str, object]:
        """The JSON body OpenAI clients expect: `error` is an object, never a string."""
        facts: dict[str, object] = {
            "message": str(self),
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        if self.request_id:
            facts["request_id"] = self.request_id
        if self.reasons:
            facts["reasons"] = list(self.reasons)
        return {"error": facts}
