"""mistral.rs from its Python package, version 0.9.5, behind our own HTTP face: it has no server there."""

import sys
from dataclasses import replace

import msgspec

from polychat.engines.launch import Command, Launch, Offer, Program
from polychat.engines.launches.flags import Flags, files_of, flagged
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.errors import SetupError
from polychat.types import Endpoint, Feature, Load

_CHILD = "polychat.engines.launches.mistralrs_child"
_PROGRAM = Program(name="", module="mistralrs", install="pip install 'polychat[mistralrs]'")
_FLAGS = Flags(
    model=flagged("--model"),
    name="--name",
    key_variable="POLYCHAT_ENGINE_KEY",
    slots="--slots",
    dtype="--dtype",
    quantization="--quantization",
    chat_template="--chat-template",
)


def _command(spec: EngineSpec, port: int) -> Command:
    _PROGRAM.prefix("")  # says how to install it
    if spec.num_gpus:
        raise SetupError("mistral.rs from its Python package runs on the CPU here; leave out --num-gpus")
    if (spec.slots or 1) > 1 and files_of(spec).format == "gguf":
        raise SetupError("mistral.rs 0.9 computes one request at a time of a GGUF file; leave out --slots")
    only = replace(spec, num_gpus=None, slots=spec.slots or 1, port=port)
    _FLAGS.require_able(only)
    return _FLAGS.command(only, (sys.executable, "-m", _CHILD), port)


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT}), frozenset({Feature.LOGPROBS, Feature.LOGIT_BIAS}))


def load_of(answer: bytes, before: Load) -> Load:
    """What our own face tells."""
    return msgspec.json.decode(answer, type=Load)


LAUNCH = Launch(
    name="mistralrs",
    program=_PROGRAM,
    command=_command,
    offer=_offer,
    load_path="/load",
    load_of=load_of,
    phases=(phase("loading the weights", "Loading model"), phase("opening its port", "mistral.rs version")),
    reasons=PYTHON_REASONS,
)
