"""The database of a site: the keys that its clients show, and what it says was used."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from polychat.db.address import Address
from polychat.db.database import Database
from polychat.db.key_secrets import new_secret
from polychat.db.keys import StoredKeys, new_key
from polychat.db.usage import Usage, Wanted
from tests.support.chaos.asks import Key
from tests.support.chaos.book import Line, Sum

TINY_REQUESTS_PER_MINUTE = 30


@dataclass(frozen=True, slots=True)
class Keyring:
    """What each key is called where."""

    secrets: Mapping[Key, str]
    by_id: Mapping[str, Key]


async def made_keys(address: Address) -> Keyring:
    """One key of each kind."""
    database = Database(address)
    secrets, by_id = {}, {}
    try:
        for kind in Key:
            secrets[kind] = new_secret()
            key = new_key(kind.value, secrets[kind], now_s=time.time())
            if kind is Key.TINY:
                key = replace(key, requests_per_minute=TINY_REQUESTS_PER_MINUTE)
            by_id[key.id] = kind
            assert await StoredKeys(database).add(key)
    finally:
        await database.close()
    return Keyring(secrets, by_id)


async def counted(address: Address, keyring: Keyring) -> dict[Line, Sum]:
    """What the table of usage says was answered, by key and model."""
    database = Database(address)
    try:
        totals = await Usage(database).totals(["key", "model", "outcome"], Wanted())
    finally:
        await database.close()
    return {
        (keyring.by_id[account.key_id], account.model): Sum(
            sums.requests, sums.prompt_tokens, sums.completion_tokens
        )
        for account, sums in totals.items()
        if account.outcome == "answered"
    }
