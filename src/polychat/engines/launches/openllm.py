"""OpenLLM, which runs a model of its catalogue through BentoML. Flags read in version 0.6.30."""

from polychat.engines.launch import Command, Launch, Offer, Program
from polychat.engines.launches.flags import Flags, command_of, positional
from polychat.engines.launches.loads import load_from
from polychat.engines.launches.words import PYTHON_REASONS, phase
from polychat.engines.spec import EngineSpec
from polychat.types import Endpoint

_PROGRAM = Program(name="openllm", module="openllm", install="pip install openllm")


_FLAGS = Flags(model=positional, host="", env={"BENTOML_DO_NOT_TRACK": "True"})  # the rest is the catalogue's


def _command(spec: EngineSpec, port: int) -> Command:
    command = command_of(_PROGRAM, _FLAGS, "serve")(spec, port)
    return Command(command.argv, {**command.env, "BENTOML_HOST": spec.host})


def _offer(spec: EngineSpec) -> Offer:
    return Offer(frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS}))


LAUNCH = Launch(
    name="openllm",
    program=_PROGRAM,
    command=_command,
    offer=_offer,
    ready_path="/readyz",
    load_of=load_from(running="bentoml_service_request_in_progress"),
    phases=(
        phase("loading the weights", "Access the Chat UI"),  # until then it installs what the model needs
    ),
    reasons=PYTHON_REASONS,
    has_secret=False,
    stop_grace_s=10.0,
)
