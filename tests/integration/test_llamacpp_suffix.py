"""Completions with a suffix, by a model in llama.cpp that has tokens for it, through the gateway."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from polychat.conformance.catalog import scenarios
from polychat.types import Feature
from tests.integration.test_conformance import Served, serving
from tests.support import tiny_gguf
from tests.support.llamacpp_engine import engine, running

PROMPT, SUFFIX = "def f(", "\n return é"
NUM_TOKENS = len((PROMPT + SUFFIX).encode()) + len(tiny_gguf.FILLS_IN)  # each byte is one


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    def start(folder: Path) -> tuple[str, ...]:
        return (str(tiny_gguf.write(folder / "fim.gguf", fills_in=True)),)

    with serving(start, tmp_path_factory) as found:
        yield found


async def test_the_published_api_of_suffixes_is_kept_to(served: Served) -> None:
    (scenario,) = [each for each in scenarios() if Feature.SUFFIX in each.needs]
    await served.attempt(scenario)


@pytest.mark.parametrize("prompt", [PROMPT, list(PROMPT.encode())])
@pytest.mark.parametrize("fields", [{}, {"n": 2}, {"logprobs": 1}])
def test_prompt_and_suffix_reach_the_model_with_its_special_tokens(
    served: Served, prompt: object, fields: dict[str, object]
) -> None:
    body = {"model": "model", "prompt": prompt, "suffix": SUFFIX, "max_tokens": 4} | fields
    answer = httpx.post(f"{served.api_url}/v1/completions", json=body, timeout=30).json()
    assert answer["usage"]["prompt_tokens"] == NUM_TOKENS
    assert all(len(choice["text"]) == 4 for choice in answer["choices"])


def test_several_prompts_are_filled_up_to_the_same_suffix(served: Served) -> None:
    body = {"model": "model", "prompt": [PROMPT, PROMPT], "suffix": SUFFIX, "max_tokens": 4}
    answer = httpx.post(f"{served.api_url}/v1/completions", json=body, timeout=30).json()
    assert answer["usage"]["prompt_tokens"] == 2 * NUM_TOKENS
    assert len(answer["choices"]) == 2


async def test_a_model_without_such_tokens_does_not_claim_it() -> None:
    served = engine()
    async with running(served):
        assert Feature.SUFFIX not in (served.features or ())
