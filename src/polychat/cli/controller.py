"""`polychat controller`: keeps the list of workers and tells it to every gateway."""

from typing import Annotated

import typer

from polychat.cli import tls_options


def controller(
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than loopback needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 21001,
    token: Annotated[
        str, typer.Option(help="What workers and gateways must know to join.", envvar="POLYCHAT_TOKEN")
    ] = "",
    allow_models: Annotated[
        str,
        typer.Option(help="Models that workers may offer, split by commas, with * and ?; default: any."),
    ] = "",
    tls_cert: tls_options.TlsCert = None,
    tls_key: tls_options.TlsKey = None,
    tls_client_ca: tls_options.TlsClientCa = None,
    dispatch_method: Annotated[
        str,
        typer.Option(help="Taken as FastChat's flag and ignored: `polychat api` dispatches.", hidden=True),
    ] = "",
) -> None:
    """Run the controller: workers join it, gateways follow it."""
    from polychat import listen
    from polychat.cli import options, systemd
    from polychat.cli.logs import set_up_logging
    from polychat.controller.claims import Rules
    from polychat.controller.serve import serve
    from polychat.errors import SetupError

    set_up_logging()
    if not token and not listen.is_loopback(host):
        raise SetupError(
            f"a controller on {host} can be reached from other machines and needs a token: "
            "add --token SECRET (or POLYCHAT_TOKEN) here and at every worker and api"
        )
    identity = tls_options.identity(tls_cert, tls_key, tls_client_ca)
    sock = listen.bind(host, port)
    typer.echo(f"controller on {'https' if identity else 'http'}://{host}:{port}")
    serve(
        sock,
        token=token,
        rules=Rules(options.split_list(allow_models)),
        identity=identity,
        notifier=systemd.notifier(),
    )
