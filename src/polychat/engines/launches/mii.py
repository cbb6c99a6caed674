"""DeepSpeed-MII's OpenAI server. Flags read in version 0.3.3, the last one.

It imports `fastchat.constants`, but asks for another package of that name: hence fschat.
"""

from polychat.engines.launch import Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, flagged
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_PROGRAM = Program(
    name="",
    module="mii.entrypoints.openai_api_server",
    install="pip install deepspeed-mii fschat",
)
_FLAGS = Flags(
    model=flagged("--model"),
    key="--api-keys",
    context_length="--max-length",
    num_gpus="--tensor-parallel",
    chat_template="--chat-template",
)


def _offer(spec: EngineSpec) -> Offer:
    endpoints = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS})
    return Offer(endpoints, features=frozenset(), context_length=spec.context_length)


LAUNCH = Launch(
    name="mii",
    program=_PROGRAM,
    command=command_of(_PROGRAM, _FLAGS),
    offer=_offer,
    phases=(
        phase("loading the weights", "Starting DeepSpeed-MII instance|waiting for server to start"),
        phase("opening its port", "Chat template loaded|No chat template provided"),
    ),
    reasons=PYTHON_REASONS,
    stop_grace_s=10.0,
)
