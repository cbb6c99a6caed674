"""Options of the API that `polychat api` and `polychat up` share; `up` passes them on to it.

To add one: its type here, a parameter in api.py and in up.py (there also its entry in `api_flags`).
"""

from typing import Annotated

import typer

QueueTimeout = Annotated[
    float, typer.Option(help="Seconds a request waits for a replica that is starting or busy.", min=0)
]
ImageHosts = Annotated[
    str, typer.Option(help="Hosts of this network that images may be fetched from, split by commas.")
]

QUEUE_TIMEOUT_S = 5.0
