"""`polychat worker --attach`: servers that run already, whatever they are, behind one API."""

import json
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest

from tests.support.cluster import Cluster
from tests.support.fake_engine import FakeEngine
from tests.support.gateway_site import CHAT, Site
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, answers, free_port, get_json, wait_until
from tests.support.scripted_server import ScriptedServer, completion, models, told

CHAT_PATH = "/v1/chat/completions"
SAY = [{"role": "user", "content": "one two three"}]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(stack)


def attach(controller_url: str, *flags: str, key: str = "") -> RoleProcess:
    """A worker for a server that runs already; a key is given to it as people do."""
    with_key = ("--attach-key-env", "SERVER_KEY") if key else ()
    return RoleProcess(
        "worker",
        *("--attach", *flags, *with_key, "--controller-address", controller_url),
        env={"SERVER_KEY": key} if key else {},
    )


def bare(*arguments: str) -> tuple[RoleProcess, str, str]:
    """An engine without a controller: the process, its address and its key."""
    port = free_port()
    process = RoleProcess("worker", *arguments, "--no-register", "--port", str(port))
    process.wait_for_line("is ready", timeout_s=30)
    return process, f"http://127.0.0.1:{port}", process.wait_for_line(r"key is (\S+)")[1]


def models_said(cluster: Cluster, model: str) -> set[str]:
    """The model that each chunk of a stream and a whole answer are said to be of."""
    asked: dict[str, object] = {"model": model, "messages": SAY}
    whole = httpx.post(f"{cluster.api_url}{CHAT_PATH}", json=asked, trust_env=False)
    stream = httpx.post(f"{cluster.api_url}{CHAT_PATH}", json=asked | {"stream": True}, trust_env=False)
    chunks = [line.removeprefix("data: ") for line in stream.text.splitlines() if line.startswith("data: {")]
    return {json.loads(document)["model"] for document in (whole.text, *chunks)}


def card(cluster: Cluster, model: str) -> dict[str, Any]:
    found = get_json(f"{cluster.api_url}/v1/models/{model}")
    assert isinstance(found, dict)
    return found


def test_an_engine_that_was_started_elsewhere_answers_under_its_full_and_its_short_name(
    cluster: Cluster,
) -> None:
    engine, url, key = bare("--engine", "echo", "--model-names", "org/parrot", "--echo-tokens-per-s", "0")
    with engine, attach(cluster.controller_url, url, key=key):
        wait_until(lambda: cluster.serves("parrot"))
        for model in ("org/parrot", "parrot"):
            assert cluster.ask("one two three", model=model) == "one two three"
            assert models_said(cluster, model) == {model}


def test_llama_cpp_is_recognised_and_asked_in_its_own_words(cluster: Cluster) -> None:
    engine, url, key = bare("builtin", "--model-names", "small")
    with engine, attach(cluster.controller_url, url, key=key):
        wait_until(lambda: cluster.serves("small"))
        found = card(cluster, "small")
        answer = cluster.sdk.chat.completions.create(
            model="small", messages=[{"role": "user", "content": "Hello!"}], logprobs=True, max_tokens=3
        )
        with pytest.raises(openai.InternalServerError, match="does not serve /v1/embeddings") as refused:
            cluster.sdk.embeddings.create(model="small", input="x")
    assert (found["engine"], found["context_length"]) == ("llamacpp", 2048)
    assert answer.choices[0].logprobs is not None
    assert refused.value.status_code == 501


def test_another_polychat_with_keys_tells_what_its_models_can(cluster: Cluster) -> None:
    with ExitStack() as stack:
        other = Cluster(stack)
        port = free_port()
        keyed = stack.enter_context(
            RoleProcess("api", "--port", str(port), "--controller", other.controller_url, "--api-keys", "k1")
        )
        keyed.wait_until_answers(f"http://127.0.0.1:{port}/health")
        other.start_worker("worker", "--engine", "echo", "--model-names", "far/away")
        wait_until(lambda: other.serves("away"))
        stack.enter_context(attach(cluster.controller_url, f"http://127.0.0.1:{port}/v1", key="k1"))
        wait_until(lambda: cluster.serves("away"))
        here, there = card(cluster, "far/away"), card(other, "far/away")
        assert cluster.ask("a b", model="away") == "a b"
    assert here["engine"] == "polychat"
    assert (here["endpoints"], here["features"]) == (there["endpoints"], there["features"])


def test_a_killed_worker_takes_all_its_replicas_with_it_and_leaves_the_server_alone(cluster: Cluster) -> None:
    engine, url, key = bare("--engine", "echo", "--model-names", "left-alone")
    with engine, attach(cluster.controller_url, url, key=key) as worker:
        wait_until(lambda: cluster.serves("left-alone"))
        worker.kill()
        killed_s = time.monotonic()
        wait_until(lambda: not cluster.serves("left-alone"), timeout_s=2)
        assert time.monotonic() - killed_s < 1
        assert answers(f"{url}/health")


def test_sigterm_lets_the_server_run_on(cluster: Cluster) -> None:
    engine, url, key = bare("--engine", "echo", "--model-names", "goes-on")
    with engine, attach(cluster.controller_url, url, key=key) as worker:
        wait_until(lambda: cluster.serves("goes-on"))
        worker.send(signal.SIGTERM)
        assert worker.wait(timeout_s=5) == 0
        wait_until(lambda: not cluster.serves("goes-on"))
        assert answers(f"{url}/health")


# A scripted server, which does what no engine of ours does.


@pytest.fixture
async def server(site: Site) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer({"/v1/models": models("vendor/m"), CHAT_PATH: completion("vendor/m")})
    async with FakeEngine(server.script) as engine:
        server.url = engine.url
        yield server
    await site.until(replicas=0)


async def replicas(site: Site) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        found: list[dict[str, Any]] = (await http.get(f"{site.controller_url}/replicas")).json()
        return found


async def states(site: Site) -> set[tuple[str, str]]:
    return {(replica["names"][0], replica["state"]) for replica in await replicas(site)}


async def until_states(site: Site, *wanted: tuple[str, str]) -> None:
    async def are() -> bool:
        return await states(site) == set(wanted)

    await eventually(are)
    await site.until(replicas=len(wanted))


async def test_a_server_that_is_away_is_starting_until_it_is_back(
    site: Site, server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    with attach(site.controller_url, server.url):
        await until_states(site, ("vendor/m", "ready"))
        server.is_away = True
        await until_states(site, ("vendor/m", "starting"))
        (replica,) = await replicas(site)
        refused = await http.post(CHAT_PATH, json=CHAT | {"model": "m"})
        server.is_away = False
        await until_states(site, ("vendor/m", "ready"))
        answered = await http.post(CHAT_PATH, json=CHAT | {"model": "m"})
    assert replica["detail"]
    assert (refused.status_code, answered.status_code) == (503, 200)


async def test_models_appear_and_go_with_the_servers_list(site: Site, server: ScriptedServer) -> None:
    with attach(site.controller_url, server.url):
        await until_states(site, ("vendor/m", "ready"))
        server.answers["/v1/models"] = models("vendor/m", "new")
        await until_states(site, ("vendor/m", "ready"), ("new", "ready"))
        server.answers["/v1/models"] = models("new")
        await until_states(site, ("new", "ready"))


async def test_each_model_is_asked_for_by_the_servers_name_and_answers_by_the_clients(
    site: Site, server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    with attach(site.controller_url, server.url, "--model-names", "fast=vendor/m"):
        await until_states(site, ("fast", "ready"))
        answer = await http.post(CHAT_PATH, json=CHAT | {"model": "fast"})
        stream = await http.post(CHAT_PATH, json=CHAT | {"model": "fast", "stream": True})
    assert answer.json()["model"] == "fast"
    assert '"model": "fake"' not in stream.text
    assert stream.text.count('"model": "fast"') == 3
    assert [json.loads(chat.body)["model"] for chat in server.chats] == ["vendor/m", "vendor/m"]


async def test_a_route_that_the_server_has_not_got_is_501_and_no_reason_to_ask_again(
    site: Site, server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    with attach(site.controller_url, server.url):
        await until_states(site, ("vendor/m", "ready"))
        answer = await http.post("/v1/embeddings", json={"model": "m", "input": "x"})
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "not_implemented"


async def test_a_service_that_is_attached_to_itself_does_not_ask_itself_for_ever(
    site: Site, server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    with attach(site.controller_url, server.url) as first:
        await until_states(site, ("vendor/m", "ready"))
        with attach(site.controller_url, site.api_url):
            await site.until(replicas=2)
            first.kill()
            await site.until(replicas=1)
            refused = await http.post(CHAT_PATH, json=CHAT | {"model": "vendor/m"})
    assert refused.status_code == 500
    assert "has been here before" in refused.json()["error"]["message"]


async def test_a_client_key_is_never_sent_on(
    site: Site, server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    with attach(site.controller_url, server.url):
        await until_states(site, ("vendor/m", "ready"))
        headers = {"authorization": "Bearer sk-mine", "cookie": "mine=1", "x-api-key": "sk-mine"}
        await http.post(CHAT_PATH, json=CHAT | {"model": "m"}, headers=headers)
    assert b"mine" not in server.chats[0].head


async def test_a_server_that_wants_another_key_from_now_on_is_told_by_the_key(
    site: Site, server: ScriptedServer
) -> None:
    server.key = "old"
    with attach(site.controller_url, server.url, key="old"):
        await until_states(site, ("vendor/m", "ready"))
        server.key = "new"
        await until_states(site, ("vendor/m", "starting"))
        (replica,) = await replicas(site)
    assert "the key in SERVER_KEY" in replica["detail"]


@pytest.mark.parametrize(
    ("flags", "told_fix"),
    [
        (("http://127.0.0.1:9",), "nothing answers at http://127.0.0.1:9: .*is it running"),
        (("nowhere at all",), "is no address of a server; it looks like"),
        (("{url}", "--model-names", "x=y"), "the server has vendor/m: write NAME=ID"),
        (("{url}", "--slots", "2"), "which --slots cannot change; leave it out"),
        (("{url}", "--attach-key-env", "NOT_SET"), "--attach-key-env NOT_SET: .* is not set"),
        (("{url}", "--remote", "x"), "one worker speaks for one server"),
        (("{url}/nope/v1",), r"GET .*/nope/v1/models gave status 404; give the address up to /v1"),
    ],
)
async def test_what_cannot_work_is_one_line(
    site: Site, server: ScriptedServer, flags: tuple[str, ...], told_fix: str
) -> None:
    with attach(site.controller_url, *(flag.format(url=server.url) for flag in flags)) as worker:
        await eventually(lambda: _ended(worker), timeout_s=15)
    lines = worker.output.splitlines()
    assert worker.returncode == 1
    assert len(lines) == 1
    assert re.search(told_fix, lines[0])


async def test_a_server_without_models_is_one_line(site: Site, server: ScriptedServer) -> None:
    server.answers["/v1/models"] = told(200, {"data": []})
    with attach(site.controller_url, server.url) as worker:
        await eventually(lambda: _ended(worker), timeout_s=15)
    assert "serves no model; load one there first" in worker.output


async def _ended(process: RoleProcess) -> bool:
    return process.returncode is not None
