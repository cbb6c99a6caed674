"""`polychat doctor`: what works on this machine, and how to mend what does not."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from polychat.cli import options, state


def doctor(
    api_url: options.ApiUrl = options.API_URL,
    api_key: options.ApiKey = "",
    controller_address: options.ControllerAddress = options.CONTROLLER_ADDRESS,
    token: options.Token = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not try to reach the model hub.")] = False,
) -> None:
    """Check this machine and the service that runs: engines, room, ports, replicas. Status 1 if broken."""
    from polychat.cli import doctor_machine, doctor_services
    from polychat.cli.doctor_checks import Level

    home = state.home()
    checks = [
        *doctor_machine.checks(home),
        *doctor_services.ports(),
        *doctor_services.services(api_url, api_key, controller_address, token),
        *([] if offline else [doctor_services.hub()]),
    ]
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        typer.echo("\n".join(check.line(colour=sys.stdout.isatty()) for check in checks))
    if any(check.level is Level.FAIL for check in checks):
        raise typer.Exit(1)
