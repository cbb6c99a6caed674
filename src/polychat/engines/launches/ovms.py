"""OpenVINO Model Server. Flags and metrics read in version 2026.3."""

from collections.abc import Sequence
from pathlib import Path
from re import compile as pattern

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, model_of
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_NAME = "polychat"  # its own choice would be a path
_PROGRAM = Program(
    name="ovms",
    module="",
    install="unpack ovms_ubuntu24_2026.3.0_python_on.tar.gz from "
    "https://github.com/openvinotoolkit/model_server/releases and put ovms/bin on PATH",
)


def _model(spec: EngineSpec) -> Sequence[str]:
    """A folder that holds a model in OpenVINO's format, or where to keep one of the hub."""
    folder = Path(model_of(spec)).expanduser()
    is_here = folder.is_dir()
    source = folder.resolve().name if is_here else model_of(spec)
    kept = folder.resolve().parent if is_here else Path.home() / ".cache" / "ovms"
    return "--source_model", source, "--model_repository_path", str(kept), "--task", "text_generation"


_FLAGS = Flags(
    model=_model,
    host="--rest_bind_address",
    port="--rest_port",
    key_variable="API_KEY",
    slots="--max_num_seqs",
    cpu=("--target_device", "CPU"),
    kv_cache_dtype="--kv_cache_precision",
    tool_parser="--tool_parser",
    reasoning_parser="--reasoning_parser",
    draft_model="--draft_source_model",
    always=("--model_name", _NAME, "--metrics_enable", "--metrics_list", "ovms_current_graphs"),
)


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}))


LAUNCH = Launch(
    name="ovms",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS),
    offer=_offer,
    model_name=_NAME,
    ready_path="/v2/health/ready",
    load_of=load_from(running="ovms_current_graphs"),
    phases=(phase("loading the weights", "Initializing .* servable"),),
    reasons=(pattern(r"\[error\]\[[^\]]*\] (.+)$"), pattern(r"^(error parsing options.*)$")),
)
