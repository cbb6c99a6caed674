"""`polychat web`: the chat page, a client of the API."""

from pathlib import Path
from typing import Annotated

import typer

from polychat.cli import options, tls_options


def web(
    host: options.Host = options.LOOPBACK,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7860,
    api_url: options.ApiUrl = options.API_URL,
    api_key: options.ApiKey = "",
    root_path: Annotated[
        str,
        typer.Option(
            "--root-path", "--gradio-root-path", help="Path of the page behind a proxy, like /chat."
        ),
    ] = "",
    auth_file: Annotated[
        Path | None,
        typer.Option(
            "--auth-file", "--gradio-auth-path", help="Ask for a login: a file of user:password lines."
        ),
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", help="Open a public link through Gradio's relay. Needs --auth-file.")
    ] = False,
    api_cert: Annotated[
        Path | None,
        typer.Option(help="The API's own certificate (PEM): trust that one, by whatever name it is reached."),
    ] = None,
    tls_cert: tls_options.TlsCert = None,
    tls_key: tls_options.TlsKey = None,
    no_auth: Annotated[
        bool,
        typer.Option(
            "--no-auth",
            help="Let everybody in. By default a page that others can reach asks for a login, or an API key.",
            envvar="POLYCHAT_NO_AUTH",
        ),
    ] = False,
    controller_url: Annotated[
        str, typer.Option("--controller-url", "--controller-address", hidden=True)
    ] = "",
) -> None:
    """Run the chat page. It talks to the API like any other client."""
    import os

    from polychat import listen
    from polychat.cli.logs import set_up_logging
    from polychat.client import Client
    from polychat.errors import SetupError

    if share and auth_file is None:
        raise SetupError(
            "--share puts the page on the public internet: add --auth-file FILE with user:password lines"
        )
    users = read_users(auth_file) if auth_file else ()
    client = Client(api_url, api_key=api_key, api_cert=api_cert)
    set_up_logging()
    if controller_url:
        typer.echo("note: the page needs no controller address; it asks the API at --api-url", err=True)
    identity = tls_options.identity(tls_cert, tls_key)
    sock = listen.bind(host, port)
    # Gradio reads this one only from the environment, while it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        from polychat.web.app import PageOptions, create
        from polychat.web.serve import serve
    except ModuleNotFoundError as exc:
        raise SetupError(
            f"the page needs {exc.name}, which is not installed: pip install 'polychat[web]'"
        ) from exc
    keys_open_it = not (no_auth or listen.is_loopback(host))
    page = create(client, PageOptions(root_path=root_path, users=users, keys_open_it=keys_open_it))

    def on_ready() -> None:
        typer.echo(f"page on {'https' if identity else 'http'}://{host}:{port} (API: {client.base_url}/v1)")
        if share:
            typer.echo(f"public link: {public_link(host, port)}")

    serve(page, sock, on_ready=on_ready, identity=identity)


def public_link(host: str, port: int) -> str:
    """A link that reaches this page from anywhere, through the relay that Gradio's makers run.

    Raises:
        SetupError: the relay cannot be reached.
    """
    import secrets

    from gradio import networking

    from polychat.errors import SetupError

    try:
        return networking.setup_tunnel(host, port, secrets.token_urlsafe(32), None, None)
    except (OSError, RuntimeError, ValueError) as exc:
        raise SetupError(f"--share: no public link: {exc}; the page itself needs no --share") from exc


def read_users(path: Path) -> tuple[tuple[str, str], ...]:
    """The (name, password) pairs in a file: user:password, by lines or commas as FastChat wrote them.

    Raises:
        SetupError: no such file, or a line that is not user:password.
    """
    from polychat.errors import SetupError

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"cannot read --auth-file {path}: {exc}") from exc
    entries = [entry.strip() for line in text.splitlines() for entry in line.split(",") if entry.strip()]
    for number, entry in enumerate(entries, start=1):
        name, _, password = entry.partition(":")
        if not name or not password:
            raise SetupError(f"--auth-file {path}: entry {number} is not user:password")
    if not entries:
        raise SetupError(f"--auth-file {path} names no user; write lines of user:password")
    return tuple((name, password) for name, _, password in (entry.partition(":") for entry in entries))
