"""/admin/keys: make, list, change, rotate and revoke keys. A secret is told once, when it is made."""

import dataclasses
import time
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from polychat.db.key_facts import KeyFacts, with_facts
from polychat.db.key_secrets import new_secret
from polychat.db.keys import StoredKey, StoredKeys, new_key, revoked, rotated
from polychat.db.unclear import Unclear
from polychat.errors import MethodNotAllowed, RequestError
from polychat.gateway.exchange import Exchange
from polychat.gateway.routes.inference import read_json
from polychat.gateway.state import Gateway
from polychat.schema.admin import KeyChange, KeyRequest, RotateRequest
from polychat.schema.answers import admin as answers
from polychat.schema.validation import parser_of

PREFIX = "/admin/keys/"
_ROTATE = "/rotate"
MAX_GRACE_S = 30 * 86_400.0

_parse_new = parser_of(KeyRequest)
_parse_change = parser_of(KeyChange)
_parse_rotation = parser_of(RotateRequest)

Change = Callable[[StoredKey], StoredKey]


async def list_keys(gateway: Gateway, exchange: Exchange) -> None:
    now_s = time.time()
    found = await StoredKeys(gateway.database).all()
    await _answer(exchange, answers.KeyList(data=[_shown(key, now_s) for key in found]))


async def create(gateway: Gateway, exchange: Exchange) -> None:
    request, now_s, secret = _parse_new(await read_json(gateway, exchange)), time.time(), new_secret()
    key = _checked(new_key(request.name, secret, now_s=now_s), request, now_s)
    if not await StoredKeys(gateway.database).add(key):
        raise _taken(key.name)
    await gateway.key_feed.refresh()
    await _answer(exchange, _shown(key, now_s, secret))


async def below(gateway: Gateway, exchange: Exchange) -> None:
    """One key, by its id or name."""
    word = exchange.path.removeprefix(PREFIX)  # names may hold slashes
    methods = _ROTATION if word.endswith(_ROTATE) else _OF_A_KEY
    answer = methods.get("GET" if exchange.method == "HEAD" else exchange.method)
    if answer is None:
        raise MethodNotAllowed(exchange.method, exchange.path, ", ".join(methods))
    word = word.removesuffix(_ROTATE) if methods is _ROTATION else word
    key = await StoredKeys(gateway.database).find(word)
    if key is None:
        raise _unknown(word)
    await answer(gateway, exchange, key)


async def _show(gateway: Gateway, exchange: Exchange, key: StoredKey) -> None:
    await _answer(exchange, _shown(key, time.time()))


async def _change(gateway: Gateway, exchange: Exchange, key: StoredKey) -> None:
    request, now_s = _parse_change(await read_json(gateway, exchange)), time.time()
    wanted = _checked(key, request, now_s)
    namesake = await StoredKeys(gateway.database).find(wanted.name)
    if wanted.name != key.name and namesake is not None:
        raise _taken(wanted.name)
    changed = await _changed(gateway, key, lambda stored: _checked(stored, request, now_s), now_s)
    await _answer(exchange, _shown(changed, now_s))


async def _rotate(gateway: Gateway, exchange: Exchange, key: StoredKey) -> None:
    body = await read_json(gateway, exchange)
    request = _parse_rotation(body) if body.strip() else RotateRequest()
    if not 0 <= request.grace_s <= MAX_GRACE_S:
        raise RequestError(f"grace_s: must be a number from 0 to {MAX_GRACE_S:.0f}.", param="grace_s")
    now_s, secret = time.time(), new_secret()
    old_until = now_s + request.grace_s if request.grace_s else None
    changed = await _changed(gateway, key, lambda stored: rotated(stored, secret, old_until=old_until), now_s)
    await _answer(exchange, _shown(changed, now_s, secret))


async def _revoke(gateway: Gateway, exchange: Exchange, key: StoredKey) -> None:
    now_s = time.time()
    changed = await _changed(gateway, key, lambda stored: revoked(stored, now_s=now_s), now_s)
    await _answer(exchange, _shown(changed, now_s))


_OF_A_KEY: dict[str, Callable[[Gateway, Exchange, StoredKey], Awaitable[None]]] = {
    "GET": _show,
    "PATCH": _change,
    "DELETE": _revoke,
}
_ROTATION = {"POST": _rotate}


async def _changed(gateway: Gateway, key: StoredKey, change: Change, now_s: float) -> StoredKey:
    """The key changed, in the database and for this gateway at once; others look every second."""
    changed = await StoredKeys(gateway.database).change(key.id, change, now_s=now_s)
    if changed is None:
        raise RequestError(f"The key {key.name!r} is revoked; that is for good. Make a new one.")
    await gateway.key_feed.refresh()
    return changed


def _checked(key: StoredKey, request: KeyChange, now_s: float) -> StoredKey:
    given = {
        name: value for name, value in msgspec.structs.asdict(request).items() if value is not msgspec.UNSET
    }
    if "models" in given:
        given["models"] = tuple(given["models"])
    try:
        return with_facts(key, cast(KeyFacts, given), now_s=now_s)  # the struct has the same fields
    except Unclear as exc:
        raise RequestError(f"{exc.name}: {exc}.", param=exc.name) from exc


def _shown(key: StoredKey, now_s: float, secret: str | None = None) -> answers.Key:
    facts = dataclasses.asdict(key) | {"models": list(key.models), "state": key.state(now_s)}
    del facts["hash"], facts["old_hash"]
    return answers.Key(**facts, secret=secret or msgspec.UNSET)


async def _answer(exchange: Exchange, answer: msgspec.Struct) -> None:
    await exchange.json(msgspec.json.encode(answer), headers={"cache-control": "no-store"})


def _taken(name: str) -> RequestError:
    return RequestError(
        f"name: {name!r} is taken; revoke that key first or choose another name.", param="name"
    )


def _unknown(word: str) -> RequestError:
    error = RequestError(f"There is no key {word!r}. GET /admin/keys lists them.")
    error.status, error.code = 404, "key_not_found"
    return error
