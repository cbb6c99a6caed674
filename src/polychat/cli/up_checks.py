"""From what the user asked of `polychat up` to what will run; what can be refused is refused here."""

import importlib.util
import secrets
from collections import Counter
from dataclasses import dataclass, field

from polychat.cli import aliases
from polychat.db import address
from polychat.errors import SetupError
from polychat.placement import ports
from polychat.placement.roles import ECHO, Plan

FIRST_WORKER_PORT = 21002
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of `polychat up` as given."""

    models: tuple[str, ...]
    host: str = LOOPBACK
    port: int = 8000
    web_port: int | None = 7860  # None: no page wanted
    controller_port: int = 21001
    worker_port: int | None = None  # None: the next free ones
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    needs_keys: bool = False
    first_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    worker_flags: tuple[str, ...] = ()
    api_flags: tuple[str, ...] = ()
    tls: tuple[str, str] | None = None
    model_flags: tuple[tuple[str, ...], ...] = ()  # one a model
    attached: tuple[str, ...] = ()
    attach_key_env: str = ""
    remotes: tuple[str, ...] = ()
    database: str = field(default="", repr=False)  # URL, "" for the default
    keep_responses_days: int = 30
    aliases: tuple[str, ...] = ()


def fetch(models: tuple[str, ...], *, engine: str, revision: str | None, program: str = "") -> list[str]:
    """See that every model is on this machine, downloading with a progress bar what is not.

    Returns what to tell of each: its engine, why that one, and what would run better.

    Raises:
        SetupError: there is no such engine or model, or no way to it, or nothing here runs it.
    """
    from polychat.engines.selection import select

    news = []
    for model in dict.fromkeys(models):
        name = ECHO if model == ECHO else engine
        selected = select(model, engine=name, revision=revision, program=program)
        if selected.model is not None:
            news += [f"{model} runs on {selected.choice}", *filter(None, [selected.hint])]
    return news


def plan(wish: Wish) -> tuple[Plan, str]:
    """What to run, and a note on what is left out.

    Raises:
        SetupError: a port is taken or asked for twice, names are given to several models, or the database
            is none.
    """
    _require_one_model_for_names(wish)
    aliases.parse(wish.aliases)
    web_port, note = _web(wish.web_port)
    controller_host = wish.host if wish.token else LOOPBACK
    wanted = {"--port": (wish.host, wish.port), "--controller-port": (controller_host, wish.controller_port)}
    if web_port is not None:
        wanted["--web-port"] = (wish.host, web_port)
    _require_different({flag: port for flag, (_, port) in wanted.items()})
    for flag, (host, port) in wanted.items():
        ports.require_free(host, port, flag=flag)
    return (
        Plan(
            models=wish.models,
            worker_ports=_worker_ports(wish, taken={port for _, port in wanted.values()}),
            host=wish.host,
            controller_host=controller_host,
            port=wish.port,
            controller_port=wish.controller_port,
            web_port=web_port,
            api_keys=wish.api_keys,
            needs_keys=wish.needs_keys,
            first_key=wish.first_key,
            internal_key=secrets.token_urlsafe(24),
            token=wish.token,
            worker_flags=wish.worker_flags,
            api_flags=wish.api_flags,
            tls=wish.tls,
            model_flags=wish.model_flags,
            attached=wish.attached,
            attach_key_env=wish.attach_key_env,
            remotes=wish.remotes,
            database=address.parse(wish.database).url if wish.database else "",
            keep_responses_days=wish.keep_responses_days,
            aliases=wish.aliases,
        ),
        note,
    )


def _require_one_model_for_names(wish: Wish) -> None:
    if len(set(wish.models)) > 1 and any(flag.startswith("--model-names") for flag in wish.worker_flags):
        raise SetupError(
            "--model-names would give all models the same names; leave it out with several MODELs"
        )


def _web(port: int | None) -> tuple[int | None, str]:
    if port is None:
        return None, "left out (--no-web)"
    if importlib.util.find_spec("gradio") is None:
        return None, "left out: it needs Gradio (pip install 'polychat[web]')"
    return port, ""


def _require_different(flags: dict[str, int]) -> None:
    port, count = Counter(flags.values()).most_common(1)[0]
    if count > 1:
        same = " and ".join(flag for flag, value in flags.items() if value == port)
        raise SetupError(f"{same} are both {port}; give each a port of its own")


def _worker_ports(wish: Wish, *, taken: set[int]) -> tuple[int, ...]:
    """One a model: the first as asked for if it was, each other the next that is free."""
    found: list[int] = []
    if wish.worker_port is not None:
        if wish.worker_port in taken:
            raise SetupError(f"port {wish.worker_port} is asked for twice; choose another with --worker-port")
        ports.require_free(LOOPBACK, wish.worker_port, flag="--worker-port")
        found.append(wish.worker_port)
    first = wish.worker_port or FIRST_WORKER_PORT
    while len(found) < len(wish.models):
        found.append(ports.next_free(LOOPBACK, first, taken=frozenset({*taken, *found})))
    return tuple(found)
