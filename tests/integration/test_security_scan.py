"""Every route of every role, asked without a key: nothing but /health says anything."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from polychat.gateway.table import BELOW, ROUTES
from tests.support.processes import RoleProcess, free_ports, get_json, wait_until

KEY, TOKEN = "sk-of-the-team", "token-of-the-team"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
WORDS = (
    *(
        "/",
        "//",
        "/.",
        "/..",
        "/../",
        "/%2e%2e/",
        "/./health",
        "/health/",
        "/Health",
        "/health%20",
    ),
    *("/metrics", "/admin", "/admin/", "/admin/keys", "/admin/usage", "/admin/replicas", "/admin/requests"),
    *("/debug", "/status", "/version", "/config", "/.env", "/.git/config", "/server_info", "/ping", "/load"),
    *("/docs", "/redoc", "/openapi.json", "/v1", "/v1/", "/v1/models", "/v1/models/echo", "/v1/health"),
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses/resp_1", "/v1/files"),
    *("/watch", "/workers", "/replicas", "/v1/load_lora_adapter", "/v1/unload_lora_adapter"),
    # llama.cpp's
    *("/props", "/slots", "/slots/0", "/models", "/api/tags", "/api/show", "/tokenize", "/detokenize"),
    *(
        "/completion",
        "/completions",
        "/infill",
        "/embedding",
        "/embeddings",
        "/apply-template",
        "/lora-adapters",
    ),
    *("/lora-adapters", "/rerank", "/cors-proxy", "/tools", "/index.html", "/bundle.js", "/favicon.ico"),
)
PAGES = (  # the page's own, behind its login
    *("/config", "/info", "/gradio_api/info", "/gradio_api/config", "/gradio_api/queue/status"),
    "/gradio_api/queue/data?session_hash=x",
    *("/gradio_api/file=/etc/passwd", "/file=/etc/passwd", "/gradio_api/file=pyproject.toml", "/monitoring"),
    *("/gradio_api/stream/a/b/c/d", "/gradio_api/call/answer", "/gradio_api/run/predict", "/api/predict"),
    *("/gradio_api/proxy=http://127.0.0.1:8000/health", "/gradio_api/deep_link", "/gradio_api/monitoring/x"),
)
SAYS_NOTHING = frozenset({400, 401, 403, 404, 405, 501})


@dataclass(frozen=True)
class Service:
    """A service as on a network: every role listens on all addresses."""

    controller: str
    api: str
    page: str
    echo: str
    llamacpp: str

    @property
    def urls(self) -> list[str]:
        return [self.controller, self.api, self.echo, self.llamacpp]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    ports = free_ports(5)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    found = Service(*urls)
    everywhere = ("--host", "0.0.0.0", "--port")
    environment = {"POLYCHAT_TOKEN": TOKEN, "POLYCHAT_API_KEYS": KEY, "POLYCHAT_API_KEY": KEY}
    follow = ("--controller-address", found.controller)
    commands = (
        ("controller", *everywhere, str(ports[0])),
        ("api", *everywhere, str(ports[1]), *follow),
        ("web", *everywhere, str(ports[2]), "--api-url", found.api),
        ("worker", "--engine", "echo", *everywhere, str(ports[3]), *follow),
        ("worker", "builtin", *everywhere, str(ports[4]), *follow),
    )
    with ExitStack() as stack:
        roles = [stack.enter_context(RoleProcess(*command, env=environment)) for command in commands]
        wait_until(lambda: num_models(found) >= 2, timeout_s=30, what="both models are served")
        roles[2].wait_until_answers(f"{found.page}/", timeout_s=60)
        yield found


def num_models(service: Service) -> int:
    try:
        listed = get_json(f"{service.api}/v1/models", api_key=KEY)
    except OSError:
        return 0
    assert isinstance(listed, dict)
    return len(listed["data"])


def paths() -> list[str]:
    known = [*ROUTES, *BELOW, *(f"{prefix}x" for prefix in BELOW)]
    return sorted({*known, *WORDS} - {"/health"})


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}])
def test_no_route_of_any_role_says_anything_to_who_has_no_key(
    service: Service, headers: dict[str, str]
) -> None:
    said = []
    for url in service.urls:
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=10) as http:
            for path in paths():
                for method in METHODS:
                    response = http.request(method, path, content=b"{}" if method == "POST" else None)
                    is_health = path in ("/v1/health", "/./health")
                    says_nothing = method == "OPTIONS" and not response.content
                    if response.status_code not in SAYS_NOTHING and not (is_health or says_nothing):
                        said.append((url, method, path, response.status_code, response.text[:80]))
    assert said == []


def test_health_says_no_names(service: Service) -> None:
    for url in service.urls:
        text = httpx.get(f"{url}/health", trust_env=False).text
        assert "echo" not in text
        assert "polychat-mini" not in text
        assert "http" not in text


def test_no_websocket_opens_without_a_key(service: Service) -> None:
    for url in service.urls:
        for path in ("/workers", "/v1/realtime", "/ws", "/"):
            assert b" 101 " not in upgraded(url, path)


def test_the_page_shows_a_login_and_nothing_else(service: Service) -> None:
    with httpx.Client(base_url=service.page, trust_env=False, timeout=10) as http:
        for path in PAGES:
            for method in ("GET", "POST"):
                response = http.request(method, path, json={} if method == "POST" else None)
                assert response.status_code in {*SAYS_NOTHING, 307, 422}, (method, path, response.text[:200])
                assert "root:" not in response.text
                assert "polychat-mini" not in response.text
        assert "polychat-mini" not in http.get("/").text


def test_the_page_opens_with_a_key_of_the_api_and_with_no_other(service: Service) -> None:
    with httpx.Client(base_url=service.page, trust_env=False, timeout=10) as http:
        wrong = http.post("/login", data={"username": "ann", "password": "wrong"})
        assert wrong.status_code == 400
        assert http.post("/login", data={"username": "ann", "password": KEY}).status_code == 200
        assert http.get("/config").json()["username"] == "ann"


def upgraded(url: str, path: str) -> bytes:
    """What a server says to a WebSocket's handshake."""
    host, _, port = url.removeprefix("http://").partition(":")
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        return connection.recv(4096)
