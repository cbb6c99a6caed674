"""What somebody asked for cannot be read: told alike by the command line and by the admin API."""


class Unclear(ValueError):
    """`name` is the word that is wrong; the message goes on after it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
