"""Runs a plan: starts the roles, shows the page when they answer, stops them at Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path

import typer

from polychat.cli.ready_page import ready_page
from polychat.notify import NOBODY, Notifier
from polychat.placement import outside_roles, probe, roles
from polychat.placement.local import Supervisor
from polychat.placement.roles import Plan

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(plan: Plan, *, log_folder: Path, note: str, notifier: Notifier = NOBODY) -> None:
    """Keep the platform running until a signal, then leave no process.

    Raises:
        RoleStartError: a role cannot run; all are stopped.
    """
    asyncio.run(_run(plan, log_folder, note, notifier))


async def _run(plan: Plan, log_folder: Path, note: str, notifier: Notifier) -> None:
    supervisor = Supervisor(log_folder, _tell, environment=os.environ)
    platform = asyncio.create_task(_platform(supervisor, plan, log_folder, note, notifier))
    _on_signals(platform, supervisor)
    with contextlib.suppress(asyncio.CancelledError):
        await platform


async def _platform(
    supervisor: Supervisor, plan: Plan, log_folder: Path, note: str, notifier: Notifier
) -> None:
    began_s = time.monotonic()
    async with supervisor:
        _say("starting (Ctrl-C stops everything)")
        await supervisor.start(
            [roles.controller(plan), *roles.workers(plan), *outside_roles.workers(plan), roles.api(plan)]
        )
        models = await _served(plan)
        if plan.web_port is not None:
            _say(f"the API is ready at {plan.api_url}/v1; the web page follows")
            await supervisor.start([roles.web(plan)])
        took_s = time.monotonic() - began_s
        _say(ready_page(plan, models=models, log_folder=log_folder, took_s=took_s, note=note))
        async with notifier.ready():
            await asyncio.Event().wait()


async def _served(plan: Plan) -> list[str]:
    """The public ids of all models, once the API lists each that is ready."""
    while True:
        announced = _models_of(await probe.get(f"{plan.controller_url}/replicas", bearer=plan.token))
        listed = _ids_of(await probe.get(f"{plan.api_url}/v1/models", bearer=plan.internal_key))
        if announced and announced <= set(listed):
            return [model for model in listed if model in announced]
        await asyncio.sleep(0.05)


def _models_of(body: bytes | None) -> set[str]:
    return {replica["names"][0] for replica in json.loads(body or b"[]") if replica["state"] == "ready"}


def _ids_of(body: bytes | None) -> list[str]:
    return [item["id"] for item in json.loads(body)["data"]] if body else []


def _on_signals(platform: "asyncio.Task[None]", supervisor: Supervisor) -> None:
    """The first signal stops everything in order, the second kills what is left."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if platform.cancelling():
            supervisor.kill()
        else:
            _say("stopping")
            platform.cancel()

    for number in STOPS:
        loop.add_signal_handler(number, stop)


def _tell(role: str, news: str) -> None:
    _say(f"  {time.strftime('%H:%M:%S')} {role:<10} {news}")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal has gone; the platform has not
        typer.echo(text)
