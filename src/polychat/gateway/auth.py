"""Who may use the API: any caller, or those who show one of the keys."""

import hashlib
import hmac
from collections.abc import Iterable

from polychat.errors import Unauthorized
from polychat.gateway.caller import NOBODY, Caller


class Keys:
    """The keys that open the API; none at all lets everybody in. Only their hashes are kept."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._digests = [_digest(key.encode()) for key in keys]

    def check(self, authorization: bytes, x_api_key: bytes = b"") -> Caller:
        """Who asks, given two of the request's headers (b"" for one that was not sent).

        `x-api-key` is where Anthropic's clients put their key; the Authorization header goes first.

        Raises:
            Unauthorized: keys are set and it does not show one of them.
        """
        if not self._digests:
            return NOBODY
        scheme, key = _shown(authorization, x_api_key)
        if scheme.lower() != b"bearer" or not key.strip():
            raise Unauthorized(
                "You didn't provide an API key. Send it in the header `Authorization: Bearer YOUR_KEY`; "
                "the OpenAI SDKs do so with `api_key`."
            )
        digest = _digest(key.strip())
        if not self._knows(digest):
            raise Unauthorized("Incorrect API key provided. Ask whoever runs this service for a key.")
        return Caller(key_id=digest.hex()[:16], account=digest.hex())

    def _knows(self, given: bytes) -> bool:
        is_known = False
        for digest in self._digests:  # always all of them, so that time tells nothing
            is_known |= hmac.compare_digest(digest, given)
        return is_known


def _shown(authorization: bytes, x_api_key: bytes) -> tuple[bytes, bytes]:
    """The scheme and the key."""
    if x_api_key and not authorization:
        authorization = b"Bearer " + x_api_key
    scheme, _, key = authorization.strip().partition(b" ")
    return scheme, key


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
