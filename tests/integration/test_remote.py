"""`[[remote]]`: a provider's models beside our own, its key in the environment and nowhere else."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.fake_engine import FakeEngine, announced, answer, replica_at
from tests.support.gateway_site import CHAT, Site
from tests.support.polling import eventually
from tests.support.processes import RoleProcess, free_ports, get_json
from tests.support.scripted_server import ScriptedServer, completion, models, told

KEY = "sk-hush-0123456789"
CHAT_PATH = "/v1/chat/completions"
ASK = CHAT | {"model": "fast"}


@pytest.fixture
async def provider(site: Site) -> AsyncIterator[ScriptedServer]:
    """A provider that wants its key, and whose API is not at /v1."""
    path = "/v1beta/openai"
    provider = ScriptedServer(
        {f"{path}/models": models("vendor/f-1"), f"{path}/chat/completions": completion("vendor/f-1-2026")},
        key=KEY,
    )
    async with FakeEngine(provider.script) as engine:
        provider.url = engine.url + path
        yield provider
    await site.until(replicas=0)


def refuses(provider: ScriptedServer, status: int, message: str, **headers: str) -> None:
    """Have it answer each chat so."""
    provider.answers["/v1beta/openai/chat/completions"] = told(
        status, {"error": {"message": message}}, **headers
    )


class Provided:
    """`polychat worker --remote acme` for a provider, by a settings file."""

    def __init__(self, site: Site, folder: Path, url: str, *lines: str, **env: str) -> None:
        self._site = site
        self._folder = folder
        self._text = "\n".join(
            ["[[remote]]", 'name = "acme"', f'base_url = "{url}"', 'key_env = "ACME_KEY"', *lines]
        )
        self._env = {"ACME_KEY": KEY} | env

    def start(self) -> RoleProcess:
        file = self._folder / "polychat.toml"
        file.write_text(self._text)
        return RoleProcess(
            *("worker", "--remote", "acme", "--controller-address", self._site.controller_url),
            env={"POLYCHAT_CONFIG": str(file), **self._env},
        )


@pytest.fixture
def provided(site: Site, provider: ScriptedServer, tmp_path: Path) -> Callable[..., Provided]:
    """A table for `provider` with these lines more, in this environment."""
    return lambda *lines, **env: Provided(site, tmp_path, provider.url, *lines, **env)


FAST = 'models = { fast = "vendor/f-1" }'


async def replicas(site: Site) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        found: list[dict[str, Any]] = (await http.get(f"{site.controller_url}/replicas")).json()
        return found


async def ended(process: RoleProcess) -> str:
    """What it said, once it has ended by itself with an error."""

    async def has_ended() -> bool:
        return process.returncode is not None

    await eventually(has_ended, timeout_s=15)
    assert process.returncode == 1
    assert process.wait() == 1
    return process.output


async def test_a_provider_gets_its_own_key_name_and_headers_and_nothing_of_the_client(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    headers_env = 'headers_env = { "X-Team" = "ACME_TEAM" }'
    with Provided(site, tmp_path, provider.url, FAST, headers_env, ACME_TEAM="blue").start():
        await site.until(replicas=1)
        mine = {"authorization": "Bearer sk-mine", "x-api-key": "sk-mine"}
        whole = await http.post(CHAT_PATH, json=ASK, headers=mine)
        stream = await http.post(CHAT_PATH, json=ASK | {"stream": True}, headers=mine)
    sent = provider.chats[0]
    assert whole.json()["model"] == "fast"
    assert '"model": "fast"' in stream.text
    assert stream.text.endswith("data: [DONE]\n\n")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-team"] == "blue"
    assert json.loads(sent.body)["model"] == "vendor/f-1"
    assert b"sk-mine" not in b"".join(chat.head + chat.body for chat in provider.chats)


async def test_the_key_is_shown_to_nobody(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with Provided(site, tmp_path, provider.url, FAST).start() as worker:
        await site.until(replicas=1)
        refuses(provider, 403, f"{KEY} may not use this model")
        shown = [json.dumps(await replicas(site)), (await http.get("/v1/models")).text]
        shown.append((await http.post(CHAT_PATH, json=ASK)).text)
        with RoleProcess("status", "--json", "--controller-address", site.controller_url) as status:
            await eventually(lambda: _has_ended(status), timeout_s=15)
            shown.append(status.output)
    assert "may not use this model" in shown[2]
    assert KEY not in "".join((*shown, worker.output))


async def test_a_key_that_a_provider_no_longer_takes_is_our_error_and_names_the_variable(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with Provided(site, tmp_path, provider.url, FAST).start():
        await site.until(replicas=1)
        provider.key = "another"
        refused = await http.post(CHAT_PATH, json=ASK)
    assert refused.status_code == 502
    assert "ACME_KEY" in refused.json()["error"]["message"]


async def test_a_busy_provider_is_429_with_its_own_retry_after(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with Provided(site, tmp_path, provider.url, FAST).start():
        await site.until(replicas=1)
        refuses(provider, 429, "slow down", retry_after="17")
        refused = await http.post(CHAT_PATH, json=ASK)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "17")
    assert "slow down" in refused.json()["error"]["message"]
    assert len(provider.chats) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_what_a_provider_cannot_take_now_another_replica_of_the_model_answers(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path, status: int
) -> None:
    refuses(provider, status, "not now")
    async with AsyncExitStack() as stack:
        stack.enter_context(Provided(site, tmp_path, provider.url, FAST).start())
        await site.until(replicas=1)
        ours = await stack.enter_async_context(FakeEngine(answer(b'{"model":"fast"}')))
        replica = replica_at(ours.url, names=("fast",))
        await stack.enter_async_context(announced(site.controller_url, replica))
        await site.until(replicas=2)
        asked = [(await http.post(CHAT_PATH, json=ASK)).status_code for _ in range(8)]
    assert asked == [200] * 8
    assert provider.chats


async def test_requests_above_the_limit_wait_and_are_then_told_why(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    provider.gate = asyncio.Event()
    with Provided(site, tmp_path, provider.url, FAST, "limits = { max_concurrent = 1 }").start():
        await site.until(replicas=1)
        first = asyncio.create_task(http.post(CHAT_PATH, json=ASK))
        await eventually(lambda: _true(len(provider.chats) == 1))
        refused = await http.post(CHAT_PATH, json=ASK)  # the gateway here lets requests wait for 1 s
        waits = asyncio.create_task(http.post(CHAT_PATH, json=ASK))
        await site.until(waiting=1)
        provider.gate.set()
        answered = [(await first).status_code, (await waits).status_code]
    assert refused.status_code == 429
    assert "as many as may" in refused.json()["error"]["message"]
    assert answered == [200, 200]


async def test_a_provider_that_is_away_at_first_is_offered_as_starting(
    site: Site, provider: ScriptedServer, tmp_path: Path
) -> None:
    provider.is_away = True
    with Provided(site, tmp_path, provider.url, FAST).start():
        await site.until(replicas=1)
        (before,) = await replicas(site)
        provider.is_away = False
        await eventually(lambda: _is_ready(site), timeout_s=15)
    assert before["state"] == "starting"
    assert "nothing answers at" in before["detail"]


async def test_all_models_that_the_filter_lets_through_are_offered(
    site: Site, provider: ScriptedServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    provider.answers["/v1beta/openai/models"] = models("vendor/f-1", "vendor/f-2", "other/o")
    with Provided(site, tmp_path, provider.url, 'filter = "vendor/*"').start():
        await site.until(replicas=2)
        listed = (await http.get("/v1/models")).json()["data"]
    assert {model["id"] for model in listed} == {"vendor/f-1", "f-1", "vendor/f-2", "f-2"}


@pytest.mark.parametrize(
    ("line", "key", "told_fix"),
    [
        (FAST, "", "the environment variable ACME_KEY is not set"),
        (FAST, "wrong", "does not take the key in ACME_KEY; set it to a valid one"),
        ("key = 3", KEY, "has no 'key'; did you mean 'key_env'"),
        ('filter = "none/*"', KEY, "has 1 models, but none of those that are wanted"),
    ],
)
async def test_what_cannot_work_is_one_line_without_the_key(
    provided: Callable[..., Provided], line: str, key: str, told_fix: str
) -> None:
    with provided(line, ACME_KEY=key).start() as worker:
        said = await ended(worker)
    assert told_fix in said
    assert len(said.splitlines()) == 1
    assert KEY not in said


async def test_a_provider_over_tls_is_asked_if_its_certificate_is_good(tmp_path: Path) -> None:
    """Each process trusts whom SSL_CERT_FILE names, so these have a controller and a gateway of their own."""
    certificate = make_certificate(tmp_path)
    provider = ScriptedServer({"/v1/models": models("vendor/f-1"), CHAT_PATH: completion("x")}, key=KEY)
    trusting = {"SSL_CERT_FILE": str(certificate)}
    async with FakeEngine(provider.script, tls=tls_of(certificate)) as engine:
        url = f"https://localhost:{engine.port}/v1"
        with ExitStack() as stack:
            site = start_site(stack, trusting)
            stack.enter_context(Provided(site, tmp_path, url, FAST, **trusting).start())
            await site.until(replicas=1)
            async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
                answered = await http.post(site.api_url + CHAT_PATH, json=ASK)
            doubting = Provided(site, tmp_path, url, 'filter = "*"').start()
            said = await ended(stack.enter_context(doubting))
    assert answered.json()["model"] == "fast"
    assert "its certificate is not one that this machine trusts" in said


async def test_up_runs_the_models_and_providers_of_the_file_and_attached_servers(
    provider: ScriptedServer, tmp_path: Path
) -> None:
    file = tmp_path / "polychat.toml"
    file.write_text(
        '[[model]]\nengine = "echo"\nnames = "one"\n[[model]]\nengine = "echo"\nnames = ["two", "deux"]\n'
        f'[[remote]]\nname = "acme"\nbase_url = "{provider.url}"\nkey_env = "ACME_KEY"\n{FAST}\n'
    )
    attached = ScriptedServer({"/v1/models": models("side/car"), CHAT_PATH: completion("side/car")})
    port, controller_port = free_ports(2)
    async with FakeEngine(attached.script) as engine:
        with RoleProcess(
            *("up", "--no-web", "--port", str(port), "--controller-port", str(controller_port)),
            *("--attach", engine.url),
            env={"POLYCHAT_CONFIG": str(file), "ACME_KEY": KEY, "XDG_STATE_HOME": str(tmp_path)},
        ) as up:
            await eventually(lambda: _true("polychat is ready" in up.output), timeout_s=40)
            listed = await asyncio.to_thread(get_json, f"http://127.0.0.1:{port}/v1/models")
            async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
                for model in ("one", "deux", "car", "fast"):
                    url = f"http://127.0.0.1:{port}{CHAT_PATH}"
                    answered = await http.post(url, json=CHAT | {"model": model})
                    assert answered.json()["model"] == model
    assert isinstance(listed, dict)
    assert {model["id"] for model in listed["data"]} == {"one", "two", "deux", "side/car", "car", "fast"}
    assert KEY not in up.output + logged_below(tmp_path)


def logged_below(folder: Path) -> str:
    return "".join(log.read_text() for log in folder.rglob("*.log"))


def make_certificate(folder: Path) -> Path:
    """A certificate for localhost that is its own authority; its key stands in the same file."""
    path = folder / "localhost.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", str(path), "-out", str(folder / "public.pem"))
    subprocess.run(
        ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files),
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (folder / "public.pem").read_text())
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def start_site(stack: ExitStack, env: Mapping[str, str]) -> Site:
    controller_port, api_port = free_ports(2)
    controller_url, api_url = f"http://127.0.0.1:{controller_port}", f"http://127.0.0.1:{api_port}"
    for role, url, *flags in (
        ("controller", controller_url, "--port", str(controller_port)),
        ("api", api_url, "--port", str(api_port), "--controller-address", controller_url),
    ):
        process = stack.enter_context(RoleProcess(role, *flags, env=env))
        process.wait_until_answers(f"{url}/health")
    return Site(controller_url, api_url)


async def _has_ended(process: RoleProcess) -> bool:
    return process.returncode is not None


async def _true(claim: bool) -> bool:
    return claim


async def _is_ready(site: Site) -> bool:
    return all(replica["state"] == "ready" for replica in await replicas(site))
