"""The secrets of keys: how one is made, told apart from others by its first characters, and hashed."""

import hashlib
import secrets

PREFIX = "pc-"
_NUM_BYTES = 32
_NUM_SHOWN = len(PREFIX) + 6  # characters that tell keys apart and help nobody to guess one


def new_secret() -> str:
    """A secret that cannot be guessed."""
    return PREFIX + secrets.token_urlsafe(_NUM_BYTES)


def hash_of(secret: str) -> str:
    """Hex SHA-256: a random secret needs no slow hash against guessing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def shown(secret: str) -> str:
    """Its first characters."""
    return secret[:_NUM_SHOWN]
