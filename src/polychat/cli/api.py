"""`polychat api`: the OpenAI-compatible API in front of every worker."""

from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import aliases, key_options, options, service_flags, tls_options
from polychat.cli.aliases import Aliases

if TYPE_CHECKING:
    from polychat.gateway.state import Settings


def api(
    host: options.Host = options.LOOPBACK,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    reuse_port: Annotated[
        bool, typer.Option("--reuse-port", help="Share the port with other `polychat api` processes.")
    ] = False,
    processes: service_flags.Processes = 1,
    controller_address: options.ControllerAddress = options.CONTROLLER_ADDRESS,
    api_keys: options.ApiKeys = "",
    api_keys_file: key_options.ApiKeysFile = None,
    admin_key: key_options.AdminKey = "",
    admin_key_file: key_options.AdminKeyFile = None,
    internal_key: key_options.InternalKey = "",
    no_auth: key_options.NoAuth = False,
    dispatch_method: service_flags.DispatchMethod = service_flags.DISPATCH_METHOD,
    allowed_origins: Annotated[
        str,
        typer.Option(help='Web pages that may call the API: origins split by commas, a JSON list, or "*".'),
    ] = "",
    token: options.Token = "",
    queue_timeout: service_flags.QueueTimeout = service_flags.QUEUE_TIMEOUT_S,
    replica_timeout: service_flags.ReplicaTimeout = service_flags.REPLICA_TIMEOUT_S,
    queue_size: service_flags.QueueSize = service_flags.QUEUE_SIZE,
    batch_share: service_flags.BatchShare = service_flags.BATCH_SHARE,
    drain_timeout: Annotated[
        float, typer.Option(help="Seconds that running answers get to end after SIGTERM.", min=0)
    ] = 10.0,
    client_timeout: service_flags.ClientTimeout = service_flags.CLIENT_TIMEOUT_S,
    max_body_mb: Annotated[int, typer.Option(help="Largest request body, in MiB.", min=1)] = 64,
    max_tries: service_flags.MaxTries = service_flags.MAX_TRIES,
    first_byte_timeout: service_flags.FirstByteTimeout = service_flags.FIRST_BYTE_TIMEOUT_S,
    metrics_token: service_flags.MetricsToken = "",
    request_log: service_flags.RequestLog = "errors",
    otlp_endpoint: service_flags.OtlpEndpoint = "",
    tls_cert: tls_options.TlsCert = None,
    tls_key: tls_options.TlsKey = None,
    tls_client_ca: tls_options.TlsClientCa = None,
    image_hosts: service_flags.ImageHosts = "",
    alias: Aliases = None,
    db: options.Db = "",
    keep_responses_days: options.KeepResponsesDays = 30,
) -> None:
    """Run the API gateway: clients call it, it calls the workers."""
    from polychat import listen
    from polychat.cli import api_processes, database, state, systemd
    from polychat.cli.logs import set_up_logging
    from polychat.errors import SetupError
    from polychat.gateway.line import Rules
    from polychat.gateway.retries import RetryRules
    from polychat.gateway.serve import serve
    from polychat.gateway.state import Settings
    from polychat.routing.policies import POLICIES

    set_up_logging()
    if dispatch_method not in POLICIES:
        raise SetupError(
            f"--dispatch-method {dispatch_method} is unknown; choose one of {', '.join(POLICIES)}"
        )
    address, num = database.usable(db), service_flags.processes(processes)
    settings = Settings(
        controller_url=_url(controller_address),
        token=token,
        keys=key_options.given(
            key_options.users(api_keys, api_keys_file),
            key_options.admin(admin_key, admin_key_file),
            internal_key,
        ),
        require_keys=key_options.required(host, no_auth=no_auth),
        dispatch_method=dispatch_method,
        allowed_origins=_origins(allowed_origins),
        queue=Rules(
            size=-(-queue_size // num),
            busy_s=queue_timeout,
            absent_s=replica_timeout,
            batch_share=batch_share,
        ),
        metrics_token=metrics_token,
        tracer=service_flags.tracer("" if num > 1 else otlp_endpoint),
        request_log=service_flags.request_log(request_log),
        retries=RetryRules(max_tries, first_byte_timeout),
        drain_timeout_s=drain_timeout,
        client_timeout_s=client_timeout,
        max_body_bytes=max_body_mb * 1024 * 1024,
        database=address,
        spool=state.home() / "spool",
        counts=state.counts(address),
        keep_responses_days=keep_responses_days,
        image_hosts=options.split_list(image_hosts),
        aliases=aliases.parse(alias or ()),
        is_alone=num == 1 and not reuse_port,
    )
    identity = tls_options.identity(tls_cert, tls_key, tls_client_ca)
    shown = f"[{host}]" if ":" in host else host
    where = f"{'https' if identity else 'http'}://{shown}:{port}/v1 ({_keys_line(settings)})"
    if num == 1:
        sock = listen.bind(host, port, reuse_port=reuse_port)
        typer.echo(f"API on {where}")
        serve(sock, settings, systemd.notifier(), identity=identity)
        return
    listen.bind(host, port, reuse_port=reuse_port).close()  # a taken port is one line, not one a process
    api_processes.serve(
        num,
        lambda: listen.bind(host, port, reuse_port=True),
        settings,
        api_processes.Around(
            notifier=systemd.notifier(),
            make_tracer=lambda: service_flags.tracer(otlp_endpoint),
            identity=identity,
            on_ready=lambda: typer.echo(f"API on {where} from {num} processes"),
        ),
    )


def _url(address: str) -> str:
    return address if "://" in address else f"http://{address}"


def _keys_line(settings: "Settings") -> str:
    if settings.require_keys is False:
        return "open to all: --no-auth"
    count = len(settings.keys.users) + bool(settings.keys.admin)
    given = f"{count} API key{'s' if count > 1 else ''}" if count else ""
    if settings.require_keys or given:
        return f"{given or 'needs a key'}; `polychat keys create NAME` makes more"
    return "any API key will do until there is one"


def _origins(text: str) -> tuple[str, ...]:
    """FastChat takes a JSON list; a plain one is easier to type."""
    import json

    from polychat.errors import SetupError

    if not text.strip().startswith("["):
        return options.split_list(text)
    try:
        origins = json.loads(text)
    except ValueError as exc:
        raise SetupError(f"--allowed-origins {text} is not a JSON list: {exc}") from exc
    if not all(isinstance(origin, str) for origin in origins):
        raise SetupError(f"--allowed-origins {text} must be a list of strings")
    return tuple(origins)
