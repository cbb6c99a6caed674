"""What people ask of llama.cpp beyond the model: cache formats, draft models, templates, arguments."""

from pathlib import Path

import pytest

from polychat.engines import models
from polychat.engines.llamacpp.kv_types import NAMES
from polychat.errors import EngineStartError, SetupError
from polychat.types import Endpoint, Feature
from tests.support import tiny_gguf
from tests.support.llamacpp_engine import engine, goes_on, running

PROMPT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("name", NAMES)
async def test_every_cache_format_answers(name: str) -> None:
    async with running(engine(kv_cache_dtype=name)) as http:
        assert await goes_on(http)


async def test_a_draft_model_changes_no_greedy_answer_and_is_used() -> None:
    async with running(engine()) as http:
        alone = await goes_on(http)
    async with running(engine(draft_model=models.BUILTIN_PATH)) as http:
        answer = (
            await http.post(
                "/v1/completions",
                json={"prompt": "Once upon a time there was", "max_tokens": 48, "temperature": 0},
            )
        ).json()
    assert answer["choices"][0]["text"] == alone
    assert answer["timings"]["draft_n_accepted"] > 10


def test_beside_a_draft_model_no_log_probabilities_are_promised() -> None:
    assert Feature.LOGPROBS not in (engine(draft_model=models.BUILTIN_PATH).features or ())
    assert Feature.LOGPROBS in (engine().features or ())


def test_a_draft_model_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    other = tiny_gguf.write(tmp_path / "other.gguf")
    with pytest.raises(SetupError, match=r"--draft-model .*other\.gguf: it has 259 tokens, the model \d+; "):
        engine(draft_model=other)


def test_a_projector_that_is_a_model_is_refused() -> None:
    with pytest.raises(SetupError, match=r"--mmproj .* is no projector but a llama model"):
        engine(mmproj=models.BUILTIN_PATH)


async def test_a_template_by_name_writes_the_prompt(tmp_path: Path) -> None:
    model = tiny_gguf.write(tmp_path / "tiny.gguf")
    async with running(engine(model, chat_template="vicuna_v1.1")) as http:
        prompt = (await http.post("/apply-template", json=PROMPT)).json()["prompt"]
    assert prompt.endswith("USER: hi ASSISTANT:")


async def test_a_template_from_a_file_writes_the_prompt(tmp_path: Path) -> None:
    template = tmp_path / "mine.jinja"
    template.write_text("{% for message in messages %}<{{ message.content }}>{% endfor %}")
    async with running(engine(chat_template=str(template))) as http:
        assert (await http.post("/apply-template", json=PROMPT)).json()["prompt"] == "<hi>"


def test_a_model_without_a_template_runs_no_chats_and_the_log_says_how_it_would(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = engine(tiny_gguf.write(tmp_path / "bare.gguf", template=""))
    assert Endpoint.CHAT not in bare.endpoints
    assert Endpoint.COMPLETIONS in bare.endpoints
    assert "pass --chat-template FILE or NAME" in caplog.text


def test_a_model_of_a_known_family_gets_its_template(tmp_path: Path) -> None:
    bare = engine(tiny_gguf.write(tmp_path / "vicuna-7b-v1.5.gguf", template=""))
    assert Endpoint.CHAT in bare.endpoints


async def test_an_argument_that_llamacpp_cannot_use_ends_the_start_with_its_reason() -> None:
    odd = engine(arguments=("--override-tensor", "nonsense"))
    with pytest.raises(EngineStartError, match=r"llama\.cpp does not take 'nonsense' for tensor_buft"):
        await odd.start()


def test_what_llamacpp_has_no_flag_for_is_refused_by_its_name() -> None:
    with pytest.raises(SetupError, match="llamacpp does not take --quantization"):
        engine(quantization="awq")
