"""Options that several commands share: one name, one help text, one environment variable."""

from typing import Annotated

import typer

Host = Annotated[str, typer.Option(help="Address to listen on.")]
ControllerAddress = Annotated[
    str,
    typer.Option(
        "--controller-address",
        "--controller",
        help="Where the controller is.",
        envvar="POLYCHAT_CONTROLLER_ADDRESS",
    ),
]
Token = Annotated[
    str,
    typer.Option(help="The token the controller was started with, if any.", envvar="POLYCHAT_TOKEN"),
]
ApiKeys = Annotated[
    str,
    typer.Option(
        "--api-keys",
        help="Keys that clients may use, split by commas; none: any key will do.",
        envvar="POLYCHAT_API_KEYS",
    ),
]
ApiUrl = Annotated[str, typer.Option(help="Where the API is.", envvar="POLYCHAT_API_URL")]
ApiKey = Annotated[str, typer.Option(help="The key to show to the API.", envvar="POLYCHAT_API_KEY")]
ModelNames = Annotated[
    str, typer.Option("--model-names", help="Names to serve the model under, split by commas.")
]
Db = Annotated[
    str,
    typer.Option(
        "--db",
        help="Database URL: sqlite:////path/file.db or postgresql://user:password@host/name; "
        "default: a file in POLYCHAT_HOME.",
        envvar="POLYCHAT_DB",
    ),
]
KeepResponsesDays = Annotated[
    int, typer.Option(help="Days that stored responses are kept; 0: for ever.", min=0, max=36500)
]

CONTROLLER_ADDRESS = "http://127.0.0.1:21001"
API_URL = "http://127.0.0.1:8000"
LOOPBACK = "127.0.0.1"


def split_list(text: str) -> tuple[str, ...]:
    """The words of a comma-separated option, in order, without empty ones."""
    return tuple(word for part in text.split(",") if (word := part.strip()))
