"""`polychat worker --attach` and `--remote`: from options, polychat.toml and the environment to a job."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from polychat.cli import settings, systemd
from polychat.cli.options import split_list
from polychat.errors import SetupError

if TYPE_CHECKING:
    from polychat.engines.attached.remote import Remote
    from polychat.worker.attach_run import AttachJob

_GOES_ALONG = frozenset(
    {
        "attach",
        "attach_key_env",
        "controller_address",
        "drain_timeout",
        "engine",
        "model_names",
        "no_register",
        "port",
        "remote",
        "token",
        "weight",
        "worker_address",
    }
)


def run(ctx: typer.Context) -> None:
    """Do what the command line of a worker says that has --attach or --remote.

    Raises:
        SetupError: it cannot be done as told.
    """
    from polychat.worker import attach_run

    asked: Mapping[str, Any] = ctx.params
    _require_nothing_else(ctx)
    job = _remote_job(asked) if asked["remote"] else _attach_job(asked)
    attach_run.run(replace(job, notifier=systemd.notifier()))


def remotes() -> "dict[str, Remote]":
    """The providers of the settings file that holds, by name.

    Raises:
        SetupError: a table is wrong.
    """
    path = settings.file()
    if path is None:
        return {}
    from polychat import config
    from polychat.engines.attached.remote import remotes as read

    return read(config.read_list(path, "remote"), place=str(path))


def key_of(variable: str) -> str:
    """The key of an attached server.

    Raises:
        SetupError: the environment variable that should hold it does not.
    """
    key = os.environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        raise SetupError(f"--attach-key-env {variable}: that environment variable is not set")
    return key


def _attach_job(asked: Mapping[str, Any]) -> "AttachJob":
    from polychat.engines.attached.address import places
    from polychat.engines.attached.server import Access
    from polychat.worker.attach_run import AttachJob

    variable = asked["attach_key_env"]
    access = Access(places(asked["attach"], flag="--attach"), key=key_of(variable), key_env=variable)
    return AttachJob(access, names=split_list(asked["model_names"]), engine=asked["engine"], **_common(asked))


def _remote_job(asked: Mapping[str, Any]) -> "AttachJob":
    from polychat.worker.attach_run import job_of

    known = remotes()
    remote = known.get(asked["remote"])
    if remote is None:
        has = f"it has {', '.join(known)}" if known else f"write one in {settings.file() or 'polychat.toml'}"
        raise SetupError(f"there is no [[remote]] with name = {asked['remote']!r}; {has}")
    return replace(job_of(remote, os.environ), **_common(asked))


def _common(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "controller": "" if asked["no_register"] else asked["controller_address"],
        "worker_address": asked["worker_address"],
        "token": asked["token"],
        "drain_timeout_s": asked["drain_timeout"],
        "weight": asked["weight"],
    }


def _require_nothing_else(ctx: typer.Context) -> None:
    """What polychat does not run it cannot tune; words that would do nothing are refused."""
    flag = "--attach" if ctx.params["attach"] else "--remote"
    if ctx.params["attach"] and ctx.params["remote"]:
        raise SetupError("one worker speaks for one server, not for --attach and --remote; start two")
    for name in ctx.params:
        source = ctx.get_parameter_source(name)
        if name not in _GOES_ALONG and source is not None and source.name == "COMMANDLINE":
            told = "MODEL" if name == "model" else f"--{name.replace('_', '-')}"
            raise SetupError(
                f"{flag} is for a server that runs already, which {told} cannot change; leave it out"
            )
    if ctx.params["remote"] and ctx.params["model_names"]:
        raise SetupError("--model-names is not for --remote; its models are named in polychat.toml")
