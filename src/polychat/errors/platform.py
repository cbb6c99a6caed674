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

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers that belong to this error, such as Retry-After."""
        return {}

    def envelope(self) -> dict[str, object]:
        """The JSON body OpenAI clients expect: `error` is an object, never a string."""
        return {"error": {"message": str(self), "type": self.type, "param": self.param, "code": self.code}}
