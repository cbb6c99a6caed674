"""`[[remote]]` of polychat.toml: a provider whose models are offered beside our own."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from polychat import config
from polychat.engines.attached.address import places
from polychat.engines.attached.offers import Wish
from polychat.engines.attached.server import Access
from polychat.errors import SetupError

_NAME = re.compile(r"[\w.-]{1,40}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {"authorization", "host", "content-type", "content-length", "transfer-encoding", "connection"}
)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one gateway may send; 0: as much as it likes."""

    max_concurrent: int = 0
    requests_per_minute: int = 0


class Remote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table, as people write it."""

    name: str
    base_url: str
    key_env: str = ""  # the environment variable that holds the key; "": it wants none
    models: dict[str, str] | list[str] | None = None  # public name -> the provider's; None: all that it lists
    filter: str | list[str] = ""  # patterns such as "qwen/*", where `models` is not given
    limits: Limits = Limits()
    headers_env: dict[str, str] = {}  # header -> environment variable that holds its value
    engine: str = "openai"

    @property
    def wish(self) -> Wish:
        """Which of its models are wanted."""
        if self.models is None:
            patterns = [self.filter] if isinstance(self.filter, str) else self.filter
            return Wish(patterns=tuple(pattern for pattern in patterns if pattern))
        pairs = self.models.items() if isinstance(self.models, dict) else [(id_, id_) for id_ in self.models]
        names: dict[str, tuple[str, ...]] = {}
        for public, id_ in pairs:
            names[id_] = (*names.get(id_, ()), public)
        return Wish(names, is_sure=True)

    def access(self, environment: Mapping[str, str]) -> Access:
        """How to reach it.

        Raises:
            SetupError: a variable that it names is not set.
        """
        headers = {header: _value(self, name, environment) for header, name in self.headers_env.items()}
        return Access(
            places(self.base_url, flag=f"[[remote]] {self.name}: base_url"),
            key=_value(self, self.key_env, environment) if self.key_env else "",
            key_env=self.key_env,
            headers=tuple(headers.items()),
            key_option="key_env in polychat.toml",
        )


def remotes(tables: Sequence[Mapping[str, object]], *, place: str) -> dict[str, Remote]:
    """The providers of a settings file at `place`, by their names, in order.

    Raises:
        SetupError: a table is wrong, or two have one name.
    """
    found: dict[str, Remote] = {}
    for table in tables:
        remote = _remote(table, place)
        if remote.name in found:
            raise SetupError(
                f"{place}: two [[remote]] are called {remote.name!r}; give each a name of its own"
            )
        found[remote.name] = remote
    return found


def _remote(table: Mapping[str, object], place: str) -> Remote:
    where = f"{place}: [[remote]] {table.get('name', '')}".rstrip()
    for key in table:
        if key not in Remote.__struct_fields__:
            raise SetupError(f"{where} has no {key!r}; {config.unknown(key, Remote.__struct_fields__)}")
    try:
        remote = msgspec.convert(table, Remote)
    except msgspec.ValidationError as exc:
        raise SetupError(f"{where}: {exc}") from exc
    if wrong := _wrong(remote):
        raise SetupError(f"{where}: {wrong}")
    places(remote.base_url, flag=f"{where}: base_url")
    return remote


def _wrong(remote: Remote) -> str:
    """What is wrong with a table whose values have the right types; empty if nothing is."""
    limits = remote.limits
    if not _NAME.fullmatch(remote.name):
        return f"name = {remote.name!r} must be letters, digits, dots and dashes"
    if remote.models is not None and not remote.models:
        return "models names none; leave it out for all that the provider lists"
    if remote.models is not None and not all(remote.models):
        return "models has an empty name"
    if remote.models is not None and remote.filter:
        return "filter is for all that the provider lists; leave it or models out"
    if min(limits.max_concurrent, limits.requests_per_minute) < 0:
        return "limits cannot be negative; 0 means none"
    for header in remote.headers_env:
        if not _HEADER.fullmatch(header) or header.lower() in _OURS:
            return f"headers_env cannot set the header {header!r}"
    return ""


def _value(remote: Remote, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SetupError(f"[[remote]] {remote.name}: the environment variable {name} is not set")
    if not value.isascii() or not value.isprintable():
        raise SetupError(f"[[remote]] {remote.name}: {name} holds what cannot stand in a header")
    return value
