"""A child process that serves HTTP: on the first free port, on the same one after each restart."""

from collections.abc import Awaitable, Callable

import httpx

from polychat import listen
from polychat.engines.launch import Command
from polychat.engines.process import Child, OnLine
from polychat.engines.spec import EngineSpec, base_url
from polychat.errors import SetupError


class ChildServer:
    """The process of one engine, its port, and the client that asks it with the bearer key."""

    def __init__(self, spec: EngineSpec) -> None:
        self.url = ""
        self.may_move = spec.port is None  # nobody has asked for the port: another will do
        self._spec = spec
        self._port: int | None = None  # kept over restarts
        self._child: Child | None = None
        self._client = httpx.AsyncClient(trust_env=False, headers={"authorization": f"Bearer {spec.secret}"})

    async def start(self, try_port: Callable[[int], Awaitable[bool]]) -> str:
        """Start on the port asked for, else on the one of before or the next free one; its URL.

        `try_port` starts the engine there. It returns False if somebody else has taken the port meanwhile.

        Raises:
            SetupError: no port is free.
        """
        for port in [self._port] if self._port else self._spec.ports():
            self.url = base_url(self._spec.host, port)
            if self._is_free(port) and await try_port(port):
                self._port = port
                return self.url
        raise SetupError(
            f"no port from {self._spec.ports().start} on is free on {self._spec.host}; name one with --port"
        )

    async def spawn(self, command: Command, on_line: OnLine | None = None) -> Child:
        self._child = await Child.spawn(
            command.argv, env=command.env, log_path=self._spec.log_path, on_line=on_line
        )
        return self._child

    async def wait_exit(self) -> str:
        """How it ended, once it has."""
        assert self._child is not None, "called after start"
        return await self._child.wait()

    async def stop(self, *, grace_s: float = 1.0) -> None:
        if self._child is not None:
            await self._child.stop(grace_s=grace_s)
        await self._client.aclose()

    async def is_ok(self, path: str, *, timeout_s: float) -> bool:
        """Whether it answers a GET of `path` with 200."""
        try:
            answer = await self._client.get(self.url + path, timeout=timeout_s)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    async def read(self, path: str, *, timeout_s: float) -> bytes:
        """What it answers to a GET of `path`. Raises httpx.HTTPError."""
        answer = await self._client.get(self.url + path, timeout=timeout_s)
        return answer.raise_for_status().content

    async def post(self, path: str, body: bytes) -> int:
        """The status of its answer to `body`. Raises httpx.HTTPError."""
        return (await self._client.post(self.url + path, content=body)).status_code

    def _is_free(self, port: int) -> bool:
        """Raises SetupError when that very port was asked for and is taken."""
        try:
            listen.bind(self._spec.host, port).close()
        except SetupError:
            if not self.may_move:
                raise
            return False
        return True
