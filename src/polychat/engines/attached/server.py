"""A server that runs already, looked at from outside: which program it is, its models and its load."""

import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx
import msgspec

from polychat.engines.attached import kinds
from polychat.engines.attached.address import Place
from polychat.engines.attached.models import Listing, listing
from polychat.engines.base import EngineUnresponsive
from polychat.errors import SetupError
from polychat.types import Load

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Access:
    """Where a server is and what it wants to be shown."""

    places: tuple[Place, ...]  # the likeliest first
    key: str = field(default="", repr=False)
    key_env: str = ""  # where the key comes from
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    key_option: str = "--attach-key-env"  # how to give one


class WrongKey(SetupError):
    """The server wants a key, or another one."""


class Away(SetupError):
    """Nothing answers there now."""


class Server:
    """One server. `open` finds out what it is, `look` what it has now."""

    def __init__(self, access: Access, *, engine: str = "auto", must_list: bool = True) -> None:
        """`must_list`: a server that does not tell its models is of no use."""
        self.place = access.places[0]
        self.kind = kinds.OPENAI if engine == "auto" else kinds.named(engine)
        self.facts: kinds.Facts = {}
        self.load = Load()
        self._access = access
        self._is_known = False  # what it is was found out, and nothing has failed since
        self._is_asked_for = engine != "auto"
        self._must_list = must_list
        headers = dict(access.headers) | {"user-agent": "polychat"}
        if access.key:
            headers["authorization"] = f"Bearer {access.key}"
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=TIMEOUT_S,
            headers=headers,
            verify=ssl.create_default_context() if self.place.url.startswith("https:") else False,
        )

    async def open(self) -> Listing:
        """Find its API and which program it is.

        Raises:
            Away, WrongKey: so one line for people says.
            SetupError: what answers there is no such API.
        """
        first = ""
        for place in self._access.places:
            answer = await self._first(f"{place.root}/models")
            try:
                found = listing(answer.raise_for_status().content)
            except (httpx.HTTPStatusError, msgspec.DecodeError):
                first = first or f"GET {place.root}/models gave status {answer.status_code}"
                continue
            self.place, self._is_known = place, True
            await self._recognise(found)
            await self._read_load()
            return found
        if self._must_list:
            raise SetupError(
                f"{self.place.url} answers, but not as OpenAI's API does: {first}; give the address up to /v1"
            )
        self._is_known = True
        return Listing(())

    async def look(self) -> Listing:
        """Its models now; its load is in `load`.

        Raises:
            EngineUnresponsive: it does not answer, or not as before.
        """
        if not self._is_known:  # it may be another program, or of another version, than before
            return await self._open_again()
        self._is_known = False
        found = await self._list()
        await self._read_load()
        self._is_known = True
        return found

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def context_length(self) -> int | None:
        return kinds.told(self.kind.context_length, self.facts)

    async def _open_again(self) -> Listing:
        try:
            return await self.open()
        except SetupError as exc:
            raise EngineUnresponsive(str(exc)) from exc

    async def _list(self) -> Listing:
        try:
            answer = await self._client.get(f"{self.place.root}/models")
        except httpx.HTTPError as exc:
            raise EngineUnresponsive(_why_away(exc)) from exc
        status = answer.status_code
        if status in (401, 403):
            raise EngineUnresponsive(f"it does not take {self._key_words} any more")
        if status == httpx.codes.OK:
            try:
                return listing(answer.content)
            except msgspec.DecodeError as exc:
                raise EngineUnresponsive("what it says of its models is not understood") from exc
        if self._must_list or status >= 500:
            raise EngineUnresponsive(f"it answers with status {status}")
        return Listing(())

    async def _first(self, url: str) -> httpx.Response:
        try:
            answer = await self._client.get(url)
        except httpx.HTTPError as exc:
            raise Away(f"nothing answers at {self.place.url}: {_why_away(exc)}; is it running?") from exc
        if answer.status_code in (401, 403):
            fix = (
                "set it to a valid one"
                if self._access.key
                else f"name the environment variable of one with {self._access.key_option}"
            )
            raise WrongKey(f"{self.place.url} does not take {self._key_words}; {fix}")
        return answer

    @property
    def _key_words(self) -> str:
        return f"the key in {self._access.key_env}" if self._access.key else "requests without a key"

    async def _recognise(self, found: Listing) -> None:
        """By how it signs its models, else by what only it answers."""
        if self._is_asked_for:
            self.facts = await self._facts(self.kind.paths)
            return
        for kind in kinds.KINDS:
            if kind.owner and kind.owner == found.owner:
                self.kind, self.facts = kind, await self._facts(kind.paths)
                return
        for kind in kinds.KINDS:
            facts = await self._facts(kind.paths) if kind.has else {}
            if facts and kind.has <= facts.keys():
                self.kind, self.facts = kind, facts
                return

    async def _facts(self, paths: Sequence[str]) -> kinds.Facts:
        for path in paths:
            try:
                facts = msgspec.json.decode(await self._text(path))
            except msgspec.DecodeError:
                continue
            if isinstance(facts, Mapping):
                return facts
        return {}

    async def _read_load(self) -> None:
        """As it says; as before when it does not."""
        slots = kinds.told(self.kind.slots, self.facts) or 0
        self.load = replace(self.load, slots=slots)
        if self.kind.load_of is None:
            return
        answers = [await self._text(path) for path in self.kind.load_paths]
        try:
            self.load = self.kind.load_of(answers, self.facts, self.load)
        except (msgspec.DecodeError, ValueError, LookupError, TypeError) as exc:
            log.debug("the load of %s is not understood: %s", self.place.url, exc)

    async def _text(self, path: str) -> bytes:
        """What a path answers; nothing where people have turned it off."""
        try:
            answer = await self._client.get(self.place.url + path)
            return answer.raise_for_status().content
        except httpx.HTTPError:
            return b""


def _why_away(exc: httpx.HTTPError) -> str:
    if isinstance(exc, httpx.TimeoutException):
        return f"it gave no answer within {TIMEOUT_S:g} s"
    reason = str(exc) or type(exc).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return "its certificate is not one that this machine trusts (SSL_CERT_FILE may name your authority's)"
    return "it refuses connections" if "All connection attempts failed" in reason else reason
