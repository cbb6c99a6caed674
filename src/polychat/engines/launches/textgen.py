"""text-generation-webui, without its page. Flags and routes read in version 4.7.3."""

from collections.abc import Sequence
from dataclasses import replace

from polychat.engines.launch import Command, Launch, Offer, Program
from polychat.engines.launches.flags import Flags, files_of
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_PROGRAM = Program(
    name="start_linux.sh",
    module="",
    install="git clone https://github.com/oobabooga/textgen, then --program textgen/start_linux.sh",
)


def _model(spec: EngineSpec) -> Sequence[str]:
    path = files_of(spec).path
    return "--model-dir", str(path.resolve().parent), "--model", path.name


_FLAGS = Flags(
    model=_model,
    host="--listen-host",
    port="--api-port",
    key="--api-key",
    context_length="--ctx-size",
    slots="--parallel",
    cpu=("--cpu",),
    kv_cache_dtype="--cache-type",
    chat_template="--chat-template-file",
    draft_model="--model-draft",
    mmproj="--mmproj",
    trust_remote_code=("--trust-remote-code",),
    always=("--listen", "--api", "--nowebui"),
)


def _command(spec: EngineSpec, port: int) -> Command:
    _FLAGS.require_able(spec)
    slots = spec.slots or 1
    whole = spec.context_length * slots if spec.context_length else None  # it divides it among its slots
    prefix = _PROGRAM.prefix(spec.tuning.program)
    return _FLAGS.command(replace(spec, context_length=whole), prefix, port)


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}), context_length=spec.context_length)


LAUNCH = Launch(
    name="textgen",
    program=_PROGRAM,
    command=_command,
    offer=_offer,
    ready_path="/v1/internal/health",
    phases=(
        phase("loading the weights", r"Loading \""),
        phase("opening its port", r"OpenAI/Anthropic-compatible API URL"),
    ),
    reasons=PYTHON_REASONS,
    stop_grace_s=10.0,
)
