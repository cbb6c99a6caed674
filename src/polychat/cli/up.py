"""`polychat up`: the whole platform on this machine, as child processes that are kept running."""

import os
from pathlib import Path
from typing import Annotated

import typer

from polychat.cli import engine_flags, key_options, options, service_flags, state, tls_options
from polychat.cli.aliases import Aliases


def up(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="GGUF file, folder, hub id ([modelscope:]user/repo[:QUANT]), `builtin` or `echo`.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address the API and the web page listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The API's port.", min=1, max=65535)] = 8000,
    web_port: Annotated[int, typer.Option(help="The web page's port.", min=1, max=65535)] = 7860,
    controller_port: Annotated[int, typer.Option(help="The controller's port.", min=1, max=65535)] = 21001,
    worker_port: Annotated[
        int | None,
        typer.Option(
            help="The first worker's port; the others take the next free. Default: 21002, or the next free.",
            min=1,
            max=65535,
        ),
    ] = None,
    api_keys: options.ApiKeys = "",
    api_keys_file: key_options.ApiKeysFile = None,
    admin_key: key_options.AdminKey = "",
    admin_key_file: key_options.AdminKeyFile = None,
    no_auth: key_options.NoAuth = False,
    token: Annotated[
        str,
        typer.Option(
            help="Lets workers on other machines join: with it the controller listens on --host too.",
            envvar="POLYCHAT_TOKEN",
        ),
    ] = "",
    dispatch_method: service_flags.DispatchMethod = service_flags.DISPATCH_METHOD,
    processes: service_flags.Processes = 1,
    queue_timeout: service_flags.QueueTimeout = service_flags.QUEUE_TIMEOUT_S,
    replica_timeout: service_flags.ReplicaTimeout = service_flags.REPLICA_TIMEOUT_S,
    queue_size: service_flags.QueueSize = service_flags.QUEUE_SIZE,
    client_timeout: service_flags.ClientTimeout = service_flags.CLIENT_TIMEOUT_S,
    batch_share: service_flags.BatchShare = service_flags.BATCH_SHARE,
    max_tries: service_flags.MaxTries = service_flags.MAX_TRIES,
    first_byte_timeout: service_flags.FirstByteTimeout = service_flags.FIRST_BYTE_TIMEOUT_S,
    metrics_token: service_flags.MetricsToken = "",
    request_log: service_flags.RequestLog = "errors",
    otlp_endpoint: service_flags.OtlpEndpoint = "",
    tls_cert: tls_options.TlsCert = None,
    tls_key: tls_options.TlsKey = None,
    image_hosts: service_flags.ImageHosts = "",
    db: options.Db = "",
    keep_responses_days: options.KeepResponsesDays = 30,
    no_web: Annotated[bool, typer.Option("--no-web", help="Leave the web page out.")] = False,
    attach: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Offer a server that runs already, too; may be repeated."),
    ] = None,
    attach_key_env: engine_flags.AttachKeyEnv = "",
    model_names: options.ModelNames = "",
    alias: Aliases = None,
    engine: engine_flags.Engine = "auto",
    context_length: Annotated[
        int | None, typer.Option(help="Tokens of prompt and answer together.", min=1)
    ] = None,
    slots: Annotated[int | None, typer.Option(help="Requests decoded at once.", min=1)] = None,
    num_gpus: Annotated[int | None, typer.Option(help="GPUs for each model; 0: CPU only.", min=0)] = None,
    dtype: engine_flags.Dtype = "",
    quantization: engine_flags.Quantization = "",
    kv_cache_dtype: engine_flags.KvCacheDtype = "",
    pipeline_parallel: engine_flags.PipelineParallel = None,
    lora: engine_flags.Lora = None,
    allow_lora_updates: engine_flags.AllowLoraUpdates = False,
    chat_template: engine_flags.ChatTemplate = "",
    tool_parser: engine_flags.ToolParser = "",
    reasoning_parser: engine_flags.ReasoningParser = "",
    trust_remote_code: engine_flags.TrustRemoteCode = False,
    mmproj: engine_flags.Mmproj = None,
    draft_model: engine_flags.DraftModel = None,
    program: engine_flags.Program = "",
    engine_argument: engine_flags.Arguments = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a hub model.")] = None,
    echo_tokens_per_s: Annotated[
        float | None, typer.Option("--echo-tokens-per-s", help="Speed of the echo engine.", min=0)
    ] = None,
    echo_ttft: Annotated[
        float | None, typer.Option("--echo-ttft", help="Seconds before the echo engine's first token.", min=0)
    ] = None,
) -> None:
    """Start everything: controller, a worker for each MODEL, the API and the web page."""
    from polychat.cli import systemd, up_checks, up_run, up_sources

    sources = up_sources.sources(
        models or (),
        attach or (),
        attach_key_env=attach_key_env,
        engine=engine,
        worker=up_sources.worker_command(ctx),
    )
    if metrics_token:  # never on the command line of a child
        os.environ["POLYCHAT_METRICS_TOKEN"] = metrics_token
    service_flags.request_log(request_log)
    key_options.admin(admin_key, admin_key_file)
    key_options.hand_on(
        api_keys_file=api_keys_file, admin_key=admin_key, admin_key_file=admin_key_file, no_auth=no_auth
    )
    wish = up_checks.Wish(
        models=sources.names,
        model_flags=tuple(table.flags for table in sources.models),
        attached=sources.attached,
        attach_key_env=sources.attach_key_env,
        remotes=sources.remotes,
        host=host,
        port=port,
        web_port=None if no_web else web_port,
        controller_port=controller_port,
        worker_port=worker_port,
        api_keys=key_options.users(api_keys, api_keys_file),
        needs_keys=bool(key_options.required(host, no_auth=no_auth)),
        token=token,
        database=db,
        keep_responses_days=keep_responses_days,
        aliases=tuple(alias or ()),
        worker_flags=engine_flags.given(ctx, engine_flags.HANDED_ON),
        api_flags=engine_flags.given(ctx, service_flags.HANDED_ON),
        tls=tls_options.paths(tls_cert, tls_key),
    )
    plan, note = up_checks.plan(wish)
    for table in sources.models:
        chosen = table.engine or engine, table.revision or revision, table.program or program
        for line in up_checks.fetch((table.model,), engine=chosen[0], revision=chosen[1], program=chosen[2]):
            typer.echo(line)
    plan = key_options.with_first_key(plan)
    up_run.run(plan, log_folder=state.made(_log_folder(port)), note=note, notifier=systemd.notifier())


def _log_folder(port: int) -> Path:
    """Each platform on this machine has its own, told by its API's port."""
    logs = state.home() / "logs"
    return logs if port == 8000 else logs / str(port)
