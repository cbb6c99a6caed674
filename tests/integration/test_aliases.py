"""Aliases of the API: every route answers for the model under the name that the client used."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import openai
import pytest

from tests.support.fake_engine import answer
from tests.support.gateway_site import Site, start_api
from tests.support.processes import RoleProcess, answers, free_port, wait_until

ALIAS = "gpt-4o"
MESSAGES = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A gateway with aliases for the echo engine's model, for a model that is not there, and one in vain."""
    port = free_port()
    controller = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        process = stack.enter_context(RoleProcess("controller", "--port", str(port)))
        process.wait_until_answers(f"{controller}/health")
        aliases = [f"--alias={pair}" for pair in (f"{ALIAS}=org/mini", "later=absent", "mini=absent")]
        api, url = start_api(controller, *aliases)
        stack.enter_context(api)
        flags = ["--engine", "echo", "--model-names", "org/mini", "--port", str(free_port())]
        stack.enter_context(RoleProcess("worker", *flags, "--controller-address", controller))
        wait_until(lambda: answers(f"{url}/v1/models/{ALIAS}"), what="the alias")
        yield url


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, base_url=url, timeout=20) as http:
        yield http


def test_a_chat_is_answered_under_the_alias(url: str) -> None:
    sdk = openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)
    whole = sdk.chat.completions.create(model=ALIAS, messages=[{"role": "user", "content": "hello"}])
    assert (whole.model, whole.choices[0].message.content) == (ALIAS, "hello")


def test_each_event_of_a_stream_has_the_alias(http: httpx.Client) -> None:
    said = http.post("/v1/chat/completions", json={"model": ALIAS, "messages": MESSAGES, "stream": True})
    events = [json.loads(line[6:]) for line in said.text.splitlines() if line.startswith("data: {")]
    assert {event["model"] for event in events} == {ALIAS}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "a"}),
        ("/v1/embeddings", {"input": "a"}),
        ("/v1/rerank", {"query": "a", "documents": ["b"]}),
        ("/v1/responses", {"input": "a"}),
        ("/v1/messages", {"messages": MESSAGES, "max_tokens": 5}),
        ("/api/chat", {"messages": MESSAGES, "stream": False}),
        ("/api/generate", {"prompt": "a", "stream": False}),
    ],
)
def test_every_route_answers_under_the_alias(path: str, body: dict[str, object], http: httpx.Client) -> None:
    said = http.post(path, json={"model": ALIAS, **body})
    assert (said.status_code, said.json()["model"]) == (200, ALIAS), said.text


def test_the_list_shows_the_alias_with_its_model(http: httpx.Client) -> None:
    cards = {card["id"]: card for card in http.get("/v1/models").json()["data"]}
    assert list(cards) == ["org/mini", "mini", ALIAS]
    assert (cards[ALIAS]["root"], cards[ALIAS]["aliases"]) == ("org/mini", ["mini", "org/mini"])
    assert cards["org/mini"]["aliases"] == [ALIAS, "mini"]
    assert http.get(f"/v1/models/{ALIAS}").json() == cards[ALIAS]
    assert [model["name"] for model in http.get("/api/tags").json()["models"]] == list(cards)


def test_a_name_that_a_replica_has_goes_before_an_alias(http: httpx.Client) -> None:
    said = http.post("/v1/chat/completions", json={"model": "mini", "messages": MESSAGES})
    assert (said.status_code, said.json()["model"]) == (200, "mini")


def test_an_alias_for_a_model_that_is_not_there_is_unknown_by_its_own_name(http: httpx.Client) -> None:
    said = http.post("/v1/chat/completions", json={"model": "later", "messages": MESSAGES})
    assert (said.status_code, "'later'" in said.json()["error"]["message"]) == (404, True)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A gateway with aliases for a scripted engine's model and for an adapter of it."""
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        api, url = start_api(f"http://127.0.0.1:{port}", "--alias=other=fake", "--alias=tuned=lora")
        with api:
            yield Site(f"http://127.0.0.1:{port}", url)


@pytest.mark.parametrize(("asked", "known"), [("other", "fake"), ("tuned", "lora"), ("fake", "fake")])
async def test_the_engine_is_asked_by_the_name_that_it_knows(asked: str, known: str, site: Site) -> None:
    body = {"model": asked, "messages": MESSAGES}
    said = json.dumps({"id": "1", "object": "chat.completion", "model": known, "choices": []}).encode()
    async with (
        site.engines(answer(said), adapters=("lora",)) as (engine,),
        httpx.AsyncClient(trust_env=False, base_url=site.api_url, timeout=20) as http,
    ):
        answered = (await http.post("/v1/chat/completions", json=body)).json()
        assert json.loads(engine.received[-1].body) == body | {"model": known}
        assert answered["model"] == asked


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [("gpt-4o", "--alias 'gpt-4o' has not the form NAME=MODEL"), ("=qwen", "has not the form NAME=MODEL")],
)
def test_a_wrong_alias_is_one_line(pair: str, complaint: str) -> None:
    with RoleProcess("api", f"--alias={pair}") as api:
        assert api.wait() == 1
        assert api.output.count("\n") == 1
        assert complaint in api.output


@pytest.mark.parametrize(
    "text",
    [
        '[aliases]\ngpt-4o = "gpt-5"\ngpt-5 = "qwen"\n',
        '[api]\nalias = ["gpt-4o=gpt-5", "gpt-5=qwen"]\n',
        '[api.alias]\ngpt-4o = "gpt-5"\ngpt-5 = "qwen"\n',
    ],
)
def test_aliases_of_a_settings_file_are_read_and_checked(text: str, tmp_path: Path) -> None:
    path = tmp_path / "polychat.toml"
    path.write_text(text)
    with RoleProcess("--config", str(path), "api") as api:
        assert api.wait() == 1
        assert "--alias gpt-4o=gpt-5: gpt-5 is an alias itself" in api.output
