"""Every scenario of `polychat conformance` on each engine, a case each; and the command itself."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from polychat.conformance.applies import MESSAGES, OLLAMA, RESPONSES
from polychat.conformance.catalog import scenarios
from polychat.conformance.runner import Outcome, client, tried
from polychat.conformance.scenario import Scenario
from polychat.conformance.target import Reply, Target
from polychat.types import Endpoint
from tests.support import checkpoints, minilm_gguf, tiny_gguf
from tests.support.cluster import Cluster
from tests.support.fake_engine import FakeEngine, answer
from tests.support.processes import environment, get_json, wait_until

AT_ONCE = ("--echo-tokens-per-s", "0", "--context-length", "4096")
Start = Callable[[Path], tuple[str, ...]]  # what a worker is started with, given a folder for its model
ENGINES: Mapping[str, Start] = {
    "echo": lambda folder: ("--engine", "echo", *AT_ONCE),
    "llamacpp": lambda folder: ("builtin",),
    "transformers": lambda folder: (str(checkpoints.builtin_checkpoint(folder)), "--engine", "transformers"),
}
EMBEDDERS: Mapping[str, Start] = {  # of chats and the like they need only refuse one each
    "transformers-bert": lambda folder: (str(minilm_gguf.folder()), "--engine", "transformers"),
    "llamacpp-bert": lambda folder: (str(minilm_gguf.write(folder / "bert.gguf")),),
    "llamacpp-decoder": lambda folder: (str(tiny_gguf.write(folder / "decoder.gguf", embeds=True)),),
}
GENERATE = {Endpoint.CHAT, Endpoint.COMPLETIONS, RESPONSES, MESSAGES, OLLAMA}
REFUSED = {"chat.shape", "completions.shape", "responses.create", "anthropic.create", "ollama.chat"}
OF_EMBEDDERS = [each for each in scenarios() if each.route not in GENERATE or each.id in REFUSED]


@dataclass
class Served:
    """A cluster that serves "model" with one engine."""

    api_url: str
    probed: dict[str, Reply] = field(default_factory=dict)  # what one scenario found out, the next one knows

    async def attempt(self, scenario: Scenario) -> None:
        """The scenario as a test: fails, or is skipped where it does not apply."""
        card = get_json(f"{self.api_url}/v1/models/model")
        assert isinstance(card, dict)
        async with client("any", self.api_url) as http:
            target = Target(http, self.api_url, "model", card, is_polychat=True, probed=self.probed)
            result = await tried(target, scenario)
        if result.outcome is Outcome.NONE:
            pytest.skip(result.reason)
        if result.outcome is Outcome.RED:
            pytest.fail(f"{scenario.claim}: {result.reason}", pytrace=False)


@contextmanager
def serving(start: Start, tmp: pytest.TempPathFactory) -> Iterator[Served]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("XDG_STATE_HOME", str(tmp.mktemp("state")))
        cluster = Cluster(stack)
        cluster.start_worker("worker", *start(tmp.mktemp("model")), "--model-names", "model")
        wait_until(lambda: cluster.serves("model"), timeout_s=120.0, what="the gateway knows the model")
        yield Served(cluster.api_url)


@pytest.fixture(scope="module", params=ENGINES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(ENGINES[request.param], tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module", params=EMBEDDERS)
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(EMBEDDERS[request.param], tmp_path_factory) as found:
        yield found


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
async def test_the_published_api_is_kept_to(served: Served, scenario: Scenario) -> None:
    await served.attempt(scenario)


@pytest.mark.parametrize("scenario", OF_EMBEDDERS, ids=lambda scenario: scenario.id)
async def test_a_model_that_embeds_keeps_to_it(embedder: Served, scenario: Scenario) -> None:
    await embedder.attempt(scenario)


def test_the_command_prints_the_matrix_and_the_models_card_shows_the_result(served: Served) -> None:
    done = conformance("--base-url", f"{served.api_url}/v1", "--model", "model")
    assert done.stdout.splitlines()[0].split() == ["model"]
    assert "stream" in done.stdout
    assert (done.returncode == 1) == ("✗" in done.stdout)
    card = get_json(f"{served.api_url}/v1/models/model")
    assert isinstance(card, dict)
    assert card["conformance"]["passed"] > 100


def test_only_some_scenarios_run_when_told_so(served: Served) -> None:
    done = conformance("--base-url", served.api_url, "--only", "models.*", "--json")
    (told,) = json.loads(done.stdout)
    assert (told["model"], told["features"]) == ("model", {"models": "green"})
    assert all(each["id"].startswith("models.") for each in told["scenarios"])
    assert done.returncode == 0


# ---- the command against others


async def test_a_bad_endpoint_is_red_with_the_reason_and_status_1() -> None:
    hello = b'{"object": "list", "data": [{"id": "bad"}], "choices": "none"}'
    async with FakeEngine(answer(hello)) as engine:
        done = await run_in_thread("--base-url", engine.url, "--only", "errors.unknown_model")
    assert done.returncode == 1
    assert "✗ errors.unknown_model: an unknown model is a 404 with code model_not_found" in done.stdout
    assert "expected status 404, got 200" in done.stdout


def test_an_address_without_an_api_is_one_line() -> None:
    done = conformance("--base-url", "http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("polychat: http://127.0.0.1:9 does not answer")


def test_a_pattern_that_matches_nothing_is_said() -> None:
    done = conformance("--only", "nothing.*")
    assert done.returncode == 1
    assert "no scenario matches --only nothing.*" in done.stderr


def conformance(*flags: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "polychat", "conformance", *flags]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, env=environment())


async def run_in_thread(*flags: str) -> "subprocess.CompletedProcess[str]":
    """While the scripted endpoint answers in this loop."""
    return await asyncio.to_thread(conformance, *flags)
