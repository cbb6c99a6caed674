"""`polychat doctor`: what works on this machine, and how to mend what does not."""

import sys
from typing import Annotated

import typer

from polychat.cli import options, state


def doctor(
    api_url: options.ApiUrl = options.API_URL,
    api_key: options.ApiKey = "",
    controller_address: options.ControllerAddress = options.CONTROLLER_ADDRESS,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try to reach the model hub.")] = False,
) -> None:
    """Check this machine: packages, engines, GPUs, room, ports, services. Status 1 if something is broken."""
    from polychat.cli import doctor_machine, doctor_services
    from polychat.cli.doctor_checks import Level

    home = state.home()
    checks = [
        *doctor_machine.checks(home),
        *doctor_services.ports(),
        *doctor_services.services(api_url, api_key, controller_address),
        *([] if offline else [doctor_services.hub()]),
    ]
    for check in checks:
        typer.echo(check.line(colour=sys.stdout.isatty()))
    if any(check.level is Level.FAIL for check in checks):
        raise typer.Exit(1)
