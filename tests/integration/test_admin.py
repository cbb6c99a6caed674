"""The admin API: who may use it, and what it does."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from tests.support.processes import wait_until
from tests.support.usage_site import Service, sdk, service

ADMIN = "the-admins-own-key"
HI: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
EVERY_ROUTE = [
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("GET", "/admin/keys/ann"),
    ("PATCH", "/admin/keys/ann"),
    ("DELETE", "/admin/keys/ann"),
    ("POST", "/admin/keys/ann/rotate"),
    ("GET", "/admin/usage"),
    ("GET", "/admin/replicas"),
    ("GET", "/admin/requests"),
    ("GET", "/admin/there-is-none"),
    ("POST", "/v1/load_lora_adapter"),
    ("POST", "/v1/unload_lora_adapter"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("admin")
    with service(str(folder / "home"), f"sqlite:///{folder}/test.db") as site:
        site.start_worker("--engine", "echo", "--model-names", "echo")
        site.start_worker("--engine", "echo", "--model-names", "slow", "--echo-tokens-per-s", "5")
        yield site


@pytest.fixture(scope="module")
def url(site: Service) -> str:
    _, url = site.start_api("echo", "slow", admin_key=ADMIN)
    return url


@pytest.fixture
def admin(url: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {ADMIN}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
        yield client


def made(admin: httpx.Client, **facts: object) -> dict[str, str]:
    response = admin.post("/admin/keys", json=facts)
    assert response.status_code == 200, response.text
    key: dict[str, str] = response.json()
    return key


def status(url: str, secret: str) -> int:
    headers = {"authorization": f"Bearer {secret}"}
    return httpx.get(f"{url}/v1/models", headers=headers, trust_env=False).status_code


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE)
def test_only_an_admins_key_opens_it(admin: httpx.Client, url: str, method: str, path: str) -> None:
    secret = made(admin, name=f"user of {method} {path}")["secret"]  # names may hold slashes
    with httpx.Client(base_url=url, trust_env=False) as http:
        assert http.request(method, path).status_code == 401
        refused = http.request(method, path, headers={"authorization": f"Bearer {secret}"})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "permission_denied"


def test_where_no_key_is_needed_it_needs_one_all_the_same(site: Service, tmp_path: Path) -> None:
    with service(str(tmp_path), f"sqlite:///{tmp_path}/empty.db") as other:
        _, url = other.start_api()
        refused = httpx.get(f"{url}/admin/usage", trust_env=False)
    assert refused.status_code == 403
    assert "polychat keys create" in refused.json()["error"]["message"]


def test_a_key_lives_from_its_making_to_its_end(admin: httpx.Client, url: str) -> None:
    key = made(admin, name="ann", owner="lab", models=["echo"], requests_per_minute=600)
    assert status(url, key["secret"]) == 200
    assert admin.get("/admin/keys/ann").json() == {name: key[name] for name in key if name != "secret"}

    changed = admin.patch(f"/admin/keys/{key['id']}", json={"owner": "office", "concurrent": 3}).json()
    assert (changed["owner"], changed["concurrent"], changed["models"]) == ("office", 3, ["echo"])

    rotated = admin.post("/admin/keys/ann/rotate", json={"grace_s": 60}).json()
    assert [status(url, secret) for secret in (key["secret"], rotated["secret"])] == [200, 200]

    assert admin.delete("/admin/keys/ann").json()["state"] == "revoked"
    assert [status(url, secret) for secret in (key["secret"], rotated["secret"])] == [401, 401]


def test_an_old_secret_works_for_a_day_unless_it_is_said(admin: httpx.Client, url: str) -> None:
    first = made(admin, name="bob")["secret"]
    second = admin.post("/admin/keys/bob/rotate").json()["secret"]
    assert [status(url, first), status(url, second)] == [200, 200]
    third = admin.post("/admin/keys/bob/rotate", json={"grace_s": 0}).json()["secret"]
    assert [status(url, secret) for secret in (first, second, third)] == [401, 401, 200]


def test_a_name_may_hold_slashes(admin: httpx.Client) -> None:
    key = made(admin, name="lab/ann")
    assert admin.get("/admin/keys/lab/ann").json()["id"] == key["id"]
    assert admin.post("/admin/keys/lab/ann/rotate").json()["id"] == key["id"]


def test_no_list_tells_a_secret(admin: httpx.Client) -> None:
    secret = made(admin, name="carl")["secret"]
    told = admin.get("/admin/keys").text + admin.get("/admin/keys/carl").text
    assert secret not in told
    assert "hash" not in told


@pytest.mark.parametrize(
    ("facts", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "taken"}, "name"),
        ({"name": "x", "role": "root"}, "role"),
        ({"name": "x", "tokens_per_day": -1}, "tokens_per_day"),
        ({"name": "x", "tokens_per_day": "many"}, "tokens_per_day"),
        ({"name": "x", "expires_at": 1.0}, "expires_at"),
    ],
)
def test_what_a_key_cannot_be_is_refused_by_name(
    admin: httpx.Client, facts: dict[str, object], param: str
) -> None:
    if admin.get("/admin/keys/taken").status_code == 404:
        made(admin, name="taken")
    refused = admin.post("/admin/keys", json=facts)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_a_key_that_there_is_not_and_a_method_that_it_does_not_take(admin: httpx.Client) -> None:
    assert admin.get("/admin/keys/nobody").status_code == 404
    assert admin.post("/admin/keys/nobody").status_code == 405
    assert admin.get("/admin/keys/nobody/rotate").status_code == 405


def test_usage_is_told_by_key(admin: httpx.Client, url: str) -> None:
    key = made(admin, name="dora")
    with sdk(url, key["secret"]) as client:
        told = client.chat.completions.create(model="echo", messages=HI).usage
    assert told is not None

    def is_told() -> bool:
        rows = admin.get("/admin/usage", params={"key": "dora", "by": "key,model"}).json()["data"]
        return [(row["key"], row["key_name"], row["prompt_tokens"]) for row in rows] == [
            (key["id"], "dora", told.prompt_tokens)
        ]

    wait_until(is_told)
    csv = admin.get("/admin/usage", params={"key": key["id"], "by": "model", "format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.splitlines()[1].startswith("echo,1,1,0,0,0,")


@pytest.mark.parametrize("query", [{"by": "colour"}, {"since": "soon"}, {"format": "xml"}])
def test_a_question_that_cannot_be_read_is_refused(admin: httpx.Client, query: dict[str, str]) -> None:
    refused = admin.get("/admin/usage", params=query)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, next(iter(query)))


def test_what_runs_is_shown_with_its_key_and_replica(admin: httpx.Client, url: str) -> None:
    key = made(admin, name="emil")
    replicas = {each["id"]: each["model"] for each in admin.get("/admin/replicas").json()["data"]}
    assert sorted(replicas.values()) == ["echo", "slow"]
    with sdk(url, key["secret"]) as client:
        long: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "word " * 50}]
        with client.chat.completions.create(model="slow", messages=long, stream=True) as stream:
            next(iter(stream))
            (running,) = admin.get("/admin/requests").json()["data"]
    assert (running["key_name"], running["model"], running["stream"]) == ("emil", "slow", True)
    assert replicas[running["replica"]] == "slow"
    wait_until(lambda: admin.get("/admin/requests").json()["data"] == [])
