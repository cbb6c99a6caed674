"""What vLLM does with a checkpoint, told before it runs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from polychat.engines.spec import EngineSpec, Tuning
from polychat.engines.vllm.offer import offer
from polychat.types import Endpoint, Feature
from tests.support import tiny_checkpoint

TOKENS = {Endpoint.TOKENIZE, Endpoint.DETOKENIZE}


def write(
    folder: Path, *, template: str | None = "{{ messages }}", config: Mapping[str, object] | None = None
) -> None:
    files = tiny_checkpoint.files({**tiny_checkpoint.LLAMA, **(config or {})})
    settings = {"chat_template": template} if template else {}
    tiny_checkpoint.write(folder, files | {"tokenizer_config.json": json.dumps(settings).encode()})


def test_a_model_with_a_template_chats(spec: EngineSpec) -> None:
    it = offer(spec)

    assert it.endpoints == {Endpoint.CHAT, Endpoint.COMPLETIONS, *TOKENS}
    assert it.features is not None
    assert Feature.JSON_SCHEMA in it.features
    assert not {Feature.TOOLS, Feature.VISION, Feature.SUFFIX} & it.features


def test_one_without_only_completes_and_that_is_said(
    spec: EngineSpec, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, template=None)

    assert offer(spec).endpoints == {Endpoint.COMPLETIONS, *TOKENS}
    assert "pass --chat-template FILE or NAME" in caplog.text


def test_one_without_chats_with_the_template_that_is_asked_for(spec: EngineSpec, folder: Path) -> None:
    write(folder, template=None)
    tuning = replace(spec.tuning, chat_template="vicuna_v1.1")

    assert Endpoint.CHAT in offer(replace(spec, tuning=tuning)).endpoints


def test_tools_need_a_template_that_shows_them_and_a_parser(spec: EngineSpec, folder: Path) -> None:
    write(folder, template="{% for tool in tools %}<tool_call>{% endfor %}")

    assert Feature.TOOLS in (offer(spec).features or ())


def test_a_template_among_several_is_the_one_for_tools(spec: EngineSpec, folder: Path) -> None:
    named = [{"name": "default", "template": "x"}, {"name": "tool_use", "template": "tools <tool_call>"}]
    files = tiny_checkpoint.files() | {"tokenizer_config.json": json.dumps({"chat_template": named}).encode()}
    tiny_checkpoint.write(folder, files)

    assert Feature.TOOLS in (offer(spec).features or ())


@pytest.mark.parametrize(
    ("config", "endpoints"),
    [
        ({"architectures": ["LlamaModel"]}, {Endpoint.EMBEDDINGS, Endpoint.RERANK, Endpoint.SCORE}),
        (
            {"architectures": ["LlamaForSequenceClassification"], "id2label": {"0": "score"}},
            {Endpoint.RERANK, Endpoint.SCORE},
        ),
        ({"architectures": ["LlamaForSequenceClassification"]}, {Endpoint.CLASSIFY}),
    ],
)
def test_a_model_that_pools_has_its_own_routes(
    spec: EngineSpec, folder: Path, config: dict[str, object], endpoints: set[Endpoint]
) -> None:
    write(folder, config=config)

    assert offer(spec).endpoints == endpoints | TOKENS


def test_one_that_sees_says_so(spec: EngineSpec, folder: Path) -> None:
    write(folder, config={"vision_config": {}})

    assert Feature.VISION in (offer(spec).features or ())


def test_adapters_are_loaded_where_that_is_allowed(spec: EngineSpec) -> None:
    tuning = Tuning(program=spec.tuning.program, allow_adapter_updates=True)

    assert Endpoint.LOAD_ADAPTER in offer(replace(spec, tuning=tuning)).endpoints
