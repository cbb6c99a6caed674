"""A model that sees in llama.cpp: the built-in one with a projector of random weights."""

import io
import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from polychat.conformance.catalog import scenarios
from polychat.conformance.scenario import Scenario
from polychat.engines import models
from polychat.errors import EngineStartError
from polychat.types import Endpoint, Feature
from tests.integration.test_conformance import Served, serving
from tests.support import mmproj_gguf, tiny_gguf
from tests.support.llamacpp_engine import engine, running

OF_VISION = [each for each in scenarios() if Feature.VISION in each.needs or each.id.startswith("vision.")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model and its projector, as people download them."""
    folder = tmp_path_factory.mktemp("seeing")
    shutil.copy(models.BUILTIN_PATH, folder / "mini-Q8_0.gguf")
    mmproj_gguf.write(folder / "mmproj-mini-F32.gguf")
    return folder


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(lambda _: (str(folder),), tmp_path_factory) as found:
        yield found


@pytest.mark.parametrize("scenario", OF_VISION, ids=lambda scenario: scenario.id)
async def test_the_published_api_of_images_is_kept_to(served: Served, scenario: Scenario) -> None:
    await served.attempt(scenario)


@pytest.mark.parametrize("prompt", ["a b", ["a b"]])
def test_it_completes_a_text(served: Served, prompt: object) -> None:
    body = {"model": "model", "prompt": prompt, "max_tokens": 3}
    answer = httpx.post(f"{served.api_url}/v1/completions", json=body, timeout=30)
    assert answer.json()["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2]])
def test_other_prompts_are_refused_with_the_reason(served: Served, prompt: object) -> None:
    body = {"model": "model", "prompt": prompt, "max_tokens": 3}
    answer = httpx.post(f"{served.api_url}/v1/completions", json=body, timeout=30)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "prompt")
    assert "'model'" in error["message"]


def picture(color: str) -> str:
    with io.BytesIO() as file:
        Image.new("RGB", (40, 30), color).save(file, "PNG")
        return "data:image/png;base64," + b64encode(file.getvalue()).decode()


async def test_what_the_image_shows_is_what_the_model_gets(folder: Path) -> None:
    def asked(color: str) -> dict[str, object]:
        parts = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": picture(color)}},
        ]
        chat: dict[str, object] = {"messages": [{"role": "user", "content": parts}], "max_tokens": 1}
        return chat | {"temperature": 0, "logprobs": True, "top_logprobs": 1}

    told = []
    async with running(engine(mmproj=folder / "mmproj-mini-F32.gguf")) as http:
        for color in ("red", "blue", "red"):
            answer = (await http.post(Endpoint.CHAT, json=asked(color))).json()
            told.append(answer["choices"][0]["logprobs"]["content"][0]["logprob"])
    assert told[0] == pytest.approx(told[2])
    assert told[0] != pytest.approx(told[1])


def test_a_model_with_a_projector_says_that_it_sees(folder: Path) -> None:
    assert Feature.VISION in (engine(mmproj=folder / "mmproj-mini-F32.gguf").features or ())
    assert Feature.VISION not in (engine().features or ())


async def test_a_projector_that_is_cut_short_ends_the_start_with_llamacpps_reason(
    folder: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "mmproj-cut.gguf"
    cut.write_bytes((folder / "mmproj-mini-F32.gguf").read_bytes()[:-20_000])
    with pytest.raises(EngineStartError, match=r"failed to load model '.*mmproj-cut\.gguf'"):
        await engine(mmproj=cut).start()


async def test_a_projector_of_another_model_ends_the_start_with_llamacpps_reason(tmp_path: Path) -> None:
    model = tiny_gguf.write(tmp_path / "tiny.gguf")
    projector = mmproj_gguf.write(tmp_path / "mmproj-tiny.gguf", model=model)
    with pytest.raises(EngineStartError, match="mismatch between text model"):
        await engine(mmproj=projector).start()
