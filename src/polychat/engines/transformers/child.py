"""The process that transformers runs in, so that torch and its crashes stay away from the worker.

Told what to do by `settings` in its environment. Writes a line to standard output when a part of its start
begins, when it serves, and when it cannot; logs to standard error; ends with standard input.
"""

import asyncio
import os
import signal
import socket
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from polychat import lifeline, listen
from polychat.engines.transformers.settings import FAILED, PHASE, SERVING, VARIABLE, Settings
from polychat.errors import SetupError
from polychat.telemetry import set_up_logging

if TYPE_CHECKING:
    from polychat.engines.transformers.opening import Opened


def main() -> None:
    """Serve until told to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # our worker decides when we end
    lifeline.hold(on_cut=lambda: os._exit(0))
    settings = Settings.from_env(os.environ)
    del os.environ[VARIABLE]  # it holds the secret
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    set_up_logging(
        os.environ.get("POLYCHAT_LOG_LEVEL") or "info", os.environ.get("POLYCHAT_LOG_FORMAT") or "pretty"
    )
    try:
        asyncio.run(_serve(settings))
    except SetupError as exc:
        _tell(FAILED, " ".join(str(exc).split()))
        _end(1)
    _end(0)


def _end(status: int) -> NoReturn:
    """At once: threads that decode, and those of native libraries, may not end by themselves."""
    sys.stderr.flush()
    os._exit(status)


async def _serve(settings: Settings) -> None:
    sock = listen.bind(settings.host, settings.port)
    _tell(PHASE, "import")
    from polychat.engines.transformers import opening
    from polychat.engines.transformers.app import App
    from polychat.engines.transformers.core.refusals import refusing

    _tell(PHASE, "load")
    opened = await asyncio.to_thread(opening.opened, settings)
    print(f"{settings.model.folder}: {opened.model.description}", file=sys.stderr)  # noqa: T201  # the log
    _tell(PHASE, "warm-up")
    with refusing(settings.model):
        await _warm_up(opened)
    gets = {
        "/state": lambda: opening.state_of(opened),
        "/v1/models": lambda: opening.models_of(settings, opened),
    }
    server = uvicorn.Server(
        uvicorn.Config(
            App(opened.posts, gets, secret=settings.secret),
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    await _until_ended(server, sock, settings.port)


async def _until_ended(server: uvicorn.Server, sock: socket.socket, port: int) -> None:
    """The socket listens already: whoever connects before the server runs waits a moment."""
    _tell(SERVING, str(port))
    await server.serve(sockets=[sock])


async def _warm_up(opened: "Opened") -> None:
    """A model's first step takes longer than others: nobody's request shall wait for it."""
    from polychat.engines.transformers.job import Encoded, Job

    generator, pooler = opened.model.generator, opened.model.pooler
    if generator is not None:
        async with aclosing(generator.submit(Job((0,), 2, ignore_eos=True))) as tokens:
            async for _ in tokens:
                continue
    elif pooler is not None:
        compute = {"embed": pooler.embed, "score": pooler.score, "classify": pooler.classify}
        await compute[pooler.kind]([Encoded((0, 0))])


def _tell(word: str, what: str) -> None:
    """One line for our worker."""
    sys.stdout.write(f"{word} {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
