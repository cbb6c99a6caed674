"""What a command cannot do on this machine."""


class SetupError(Exception):
    """A command cannot work as told. The text is one line that names the value and the fix."""


class EngineStartError(SetupError):
    """An engine did not become ready. `log_tail` holds its last lines."""

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail
