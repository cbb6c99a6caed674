"""The work behind `polychat keys`: one transaction on the database each."""

import asyncio
import difflib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import typer

from polychat.cli import keys_terms, keys_view, state, times
from polychat.cli.keys_terms import Terms
from polychat.cli.models import fetched, show_table
from polychat.db import address
from polychat.db.address import Address
from polychat.db.database import Database
from polychat.db.key_secrets import new_secret
from polychat.db.keys import StoredKey, StoredKeys, new_key, revoked, rotated
from polychat.db.usage import Usage
from polychat.errors import PlatformError, SetupError
from polychat.gateway.quota.dates import today_at

Result = TypeVar("Result")

_SOON = "Every gateway knows within two seconds."
_ONCE = "This is shown once: only a hash of it is kept."


def create(db: str, name: str, terms: Terms, *, api_url: str, is_quiet: bool) -> None:
    """Make a key and print its secret."""
    now_s, secret = time.time(), new_secret()
    key = new_key(name.strip(), secret, now_s=now_s)
    key = keys_terms.applied(terms, key, now_s=now_s)

    async def work(keys: StoredKeys) -> None:
        if not await keys.add(key):
            raise SetupError(
                f"there is a key {key.name!r} already; choose another name, or `polychat keys rotate` it"
            )

    unknown = _unknown_models(key.models, api_url)
    _run(db, work)
    _warn(unknown)
    _tell(secret, f"The key {key.name!r} ({key.id}) is made. {_SOON}", is_quiet=is_quiet)


def change(db: str, word: str, terms: Terms, *, api_url: str) -> None:
    """Give a key other terms."""
    if terms.says_nothing:
        raise SetupError("nothing is to be changed; name what, such as --rpm 60 (see `--help`)")
    now_s = time.time()
    key = _change(db, word, lambda key: keys_terms.applied(terms, key, now_s=now_s), now_s=now_s)
    _warn(_unknown_models(key.models, api_url) if terms.models else ())
    typer.echo(f"The key {key.name!r} is changed. {_SOON}")


def rotate(db: str, word: str, *, grace: str, is_quiet: bool) -> None:
    """Give a key a new secret and print it."""
    now_s, secret = time.time(), new_secret()
    grace_s = times.span_s(grace, "--grace")
    old_until = now_s + grace_s if grace_s else None
    key = _change(db, word, lambda key: rotated(key, secret, old_until=old_until), now_s=now_s)
    until = f"until {times.shown(old_until)} UTC" if old_until else "no more"
    _tell(secret, f"The key {key.name!r} has a new secret; the old one works {until}.", is_quiet=is_quiet)


def revoke(db: str, word: str) -> None:
    """End a key."""
    now_s = time.time()
    key = _change(db, word, lambda key: revoked(key, now_s=now_s), now_s=now_s)
    typer.echo(f"The key {key.name!r} is revoked. {_SOON}")


def print_all(db: str, *, has_revoked: bool, as_json: bool) -> None:
    """A table, or JSON."""
    now_s = time.time()
    found = [] if _has_none_yet(place(db)) else _run(db, lambda keys: keys.all())
    shown = [key for key in found if has_revoked or key.revoked_at is None]
    if as_json:
        typer.echo(_json([keys_view.facts(key, now_s) for key in shown]))
    elif shown:
        show_table(keys_view.table(shown, now_s))
    else:
        typer.echo("There are no keys; `polychat keys create NAME` makes one.")


def print_one(db: str, word: str, *, as_json: bool) -> None:
    """What it may use, and has used."""
    now_s = time.time()
    today = today_at(now_s)

    async def work(database: Database) -> tuple[StoredKey, list[keys_view.Use]]:
        key = await _found(StoredKeys(database), word)
        usage = Usage(database)
        used = [
            (await usage.used([key.id], since_day=day)).get(key.id)
            for day in (today.day_name, today.month_begins)
        ]
        return key, [keys_view.use(each) for each in used]

    key, (in_day, in_month) = _on(place(db), work)
    facts = keys_view.facts(key, now_s) | {"used_today": in_day, "used_this_month": in_month}
    typer.echo(_json(facts) if as_json else "\n".join(keys_view.lines(facts)))


def make_first(where: Address, name: str) -> str:
    """The secret of a new key, if there has never been one in the database; else ""."""
    secret = new_secret()

    async def work(database: Database) -> str:
        keys = StoredKeys(database)
        if (await keys.mark()).count:
            return ""
        return secret if await keys.add(new_key(name, secret, now_s=time.time())) else ""

    return _on(where, work)


def _change(db: str, word: str, change_it: Callable[[StoredKey], StoredKey], *, now_s: float) -> StoredKey:
    async def work(keys: StoredKeys) -> StoredKey:
        key = await _found(keys, word)
        changed = await keys.change(key.id, change_it, now_s=now_s)
        if changed is None:
            raise SetupError(f"the key {key.name!r} ({key.id}) is revoked, and stays so; make a new one")
        return changed

    return _run(db, work)


async def _found(keys: StoredKeys, word: str) -> StoredKey:
    """The key of this name or id.

    Raises:
        SetupError: there is none; names those that are called alike.
    """
    if (key := await keys.find(word)) is not None:
        return key
    names = [key.name for key in await keys.all() if key.revoked_at is None]
    near = difflib.get_close_matches(word, names, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see `polychat keys list`"
    raise SetupError(f"there is no key {word!r}; {hint}")


def _run(db: str, work: "Callable[[StoredKeys], Awaitable[Result]]") -> Result:
    """What `work` does with the table."""
    return _on(place(db), lambda database: work(StoredKeys(database)))


def _on(where: Address, work: "Callable[[Database], Awaitable[Result]]") -> Result:
    """What `work` does with a database, which is made if it is not there.

    Raises:
        SetupError: it cannot be used.
    """

    async def run() -> Result:
        database = Database(where)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def place(db: str) -> Address:
    """The database that `db` names; by default a file in POLYCHAT_HOME."""
    if db:
        return address.parse(db)
    return address.of_file(state.made(state.home()) / "polychat.db")


def _has_none_yet(where: Address) -> bool:
    return where.path is not None and not where.path.exists()


def _unknown_models(models: Sequence[str], api_url: str, api_key: str = "") -> list[str]:
    """Those that the API does not serve now; none when it cannot be asked."""
    if not models:
        return []
    try:
        served = {card.id for card in asyncio.run(fetched(api_url, api_key))}
    except (PlatformError, SetupError):
        return []
    return [model for model in models if model not in served]


def _warn(unknown: Sequence[str]) -> None:
    if unknown:
        typer.echo(f"note: {', '.join(unknown)} is not served at the moment", err=True)


def _tell(secret: str, what: str, *, is_quiet: bool) -> None:
    """The secret goes to standard output alone, for scripts; what is said about it, beside it."""
    if not is_quiet:
        typer.echo(f"{what}\n{_ONCE}", err=True)
    typer.echo(secret)


def _json(facts: object) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False)
