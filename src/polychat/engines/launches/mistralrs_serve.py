"""mistral.rs's own server, `mistralrs serve`. Flags read in version 0.9.2."""

from collections.abc import Sequence

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, files_of, named_pairs
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_PROGRAM = Program(
    name="mistralrs",
    module="",
    install="curl --proto '=https' --tlsv1.2 -sSf "
    "https://raw.githubusercontent.com/EricLBuehler/mistral.rs/master/install.sh | sh",
)


def _model(spec: EngineSpec) -> Sequence[str]:
    model = files_of(spec)
    if model.format == "gguf":
        return "-f", str(model.path)
    return "-m", model.id if model.format == "reference" else str(model.path)


_FLAGS = Flags(
    model=_model,
    context_length="--pa-context-len",
    slots="--max-seqs",
    cpu=("--cpu",),
    quantization="--isq",
    kv_cache_dtype="--pa-cache-type",
    dtype="--dtype",
    chat_template="--jinja-explicit",
    mmproj="--mmproj",
    adapters=lambda adapters: [word for pair in named_pairs(adapters) for word in ("--lora", pair)],
    always=("--no-ui",),
)


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}), context_length=spec.context_length)


LAUNCH = Launch(
    name="mistralrs-serve",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS, "serve"),
    offer=_offer,
    model_name="default",
    load_of=load_from(running="mistralrs_sequences_running", waiting="mistralrs_sequences_waiting"),
    phases=(phase("loading the weights", "Loading model"), phase("warming up", "mistral.rs version")),
    reasons=PYTHON_REASONS,
    has_secret=False,
)
