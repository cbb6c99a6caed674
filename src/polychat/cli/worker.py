"""`polychat worker MODEL`: runs one engine and offers it to the controller."""

from typing import Annotated

import typer

from polychat.cli import engine_flags
from polychat.cli.options import (
    CONTROLLER_ADDRESS,
    LOOPBACK,
    ControllerAddress,
    ModelNames,
    Token,
    split_list,
)


def worker(
    ctx: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            help="builtin, a GGUF file, a folder, a hub id [modelscope:]user/repo[:QUANT], or echo."
        ),
    ] = "",
    model_path: Annotated[
        str, typer.Option("--model-path", "--model", help="The same as MODEL, FastChat's way.")
    ] = "",
    model_names: ModelNames = "",
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 when the controller is on another machine.")
    ] = LOOPBACK,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on; without it the first free one from 21002.", min=1, max=65535),
    ] = None,
    controller_address: ControllerAddress = CONTROLLER_ADDRESS,
    attach: Annotated[
        str,
        typer.Option(metavar="URL", help="Offer a server that runs already, whatever program it is."),
    ] = "",
    attach_key_env: engine_flags.AttachKeyEnv = "",
    remote: Annotated[
        str, typer.Option(metavar="NAME", help="Offer the provider of that name in polychat.toml.")
    ] = "",
    worker_address: Annotated[
        str,
        typer.Option(
            "--worker-address",
            "--worker",
            help="URL at which gateways reach this worker; by default found out.",
        ),
    ] = "",
    weight: engine_flags.Weight = 1.0,
    engine: engine_flags.Engine = "auto",
    num_gpus: Annotated[
        int | None,
        typer.Option(help="GPUs to use, 0 for the CPU only; by default the engine's choice.", min=0),
    ] = None,
    context_length: Annotated[
        int | None,
        typer.Option(
            help="Tokens of prompt and answer; by default the model's own, as memory allows.", min=1
        ),
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option("--slots", "--limit-worker-concurrency", help="Requests answered at once.", min=1),
    ] = None,
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
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a model of the hub.")] = None,
    token: Token = "",
    drain_timeout: Annotated[
        float, typer.Option(help="Seconds that running requests may take after SIGTERM.", min=0)
    ] = 30.0,
    no_register: Annotated[
        bool, typer.Option("--no-register", help="Serve without a controller; the key is printed.")
    ] = False,
    echo_tokens_per_s: Annotated[
        float, typer.Option(help="Speed of the echo engine's answers; 0: at once.", min=0)
    ] = 50.0,
    echo_ttft: Annotated[
        float, typer.Option(help="Seconds before the echo engine's first token.", min=0)
    ] = 0.0,
) -> None:
    """Run a model and offer it to the controller."""
    from polychat.cli import attaching, state, systemd
    from polychat.cli.logs import set_up_logging
    from polychat.engines.spec import EchoSpeed, Tuning
    from polychat.worker import run

    set_up_logging()
    if attach or remote:
        attaching.run(ctx)
        return
    run.run(
        run.Job(
            model=_one_model(model, model_path),
            names=split_list(model_names),
            host=host,
            port=port,
            controller="" if no_register else controller_address,
            worker_address=worker_address,
            weight=weight,
            engine=engine,
            num_gpus=num_gpus,
            context_length=context_length,
            slots=slots,
            revision=revision,
            token=token,
            drain_timeout_s=drain_timeout,
            log_folder=state.made(state.home() / "logs"),
            notifier=systemd.notifier(),
            uses_folder=state.made(state.home() / "uses"),
            echo=EchoSpeed(echo_tokens_per_s, echo_ttft),
            tuning=Tuning(
                dtype=dtype,
                quantization=quantization,
                kv_cache_dtype=kv_cache_dtype,
                pipeline_parallel=pipeline_parallel,
                adapters=engine_flags.adapters(lora or ()),
                allow_adapter_updates=allow_lora_updates,
                chat_template=chat_template,
                tool_parser=tool_parser,
                reasoning_parser=reasoning_parser,
                trust_remote_code=trust_remote_code,
                mmproj=mmproj,
                draft_model=draft_model,
                program=program,
                arguments=tuple(engine_argument or ()),
            ),
        )
    )


def _one_model(positional: str, option: str) -> str:
    if positional and option and positional != option:
        raise typer.BadParameter(f"one worker runs one model, not {positional!r} and {option!r}")
    return positional or option
