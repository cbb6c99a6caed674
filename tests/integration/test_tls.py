"""Controller, worker, API and page by TLS, with certificates of an authority that nobody else knows."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest
import trustme

from tests.support.processes import RoleProcess, free_ports, wait_until

KEY, TOKEN = "sk-of-the-team", "token-of-the-team"


@dataclass(frozen=True)
class Site:
    api: str
    controller: str
    page: str
    trusts: ssl.SSLContext
    authority: Path
    client: trustme.LeafCert


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    cert, key, ca = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    ca.write_bytes(authority.cert_pem.bytes())
    trusts = ssl.create_default_context(cafile=str(ca))
    ports = free_ports(4)
    controller, api, page = (f"https://127.0.0.1:{port}" for port in ports[:3])
    found = Site(api, controller, page, trusts, ca, authority.issue_cert("worker.example"))
    tls = ("--tls-cert", str(cert), "--tls-key", str(key))
    follow = ("--controller-address", controller, "--tls-ca", str(ca))
    environment = {"POLYCHAT_TOKEN": TOKEN, "POLYCHAT_API_KEYS": KEY, "POLYCHAT_API_KEY": KEY}
    commands = (
        ("controller", "--host", "0.0.0.0", "--port", str(ports[0]), *tls),
        ("api", "--host", "0.0.0.0", "--port", str(ports[1]), *follow, *tls),
        ("web", "--port", str(ports[2]), "--api-url", api, "--api-cert", str(cert), *tls),
        ("worker", "--engine", "echo", "--port", str(ports[3]), *follow, "--worker-address", "127.0.0.1:%d"),
    )
    with ExitStack() as stack:
        for command in commands:
            words = [word.replace("%d", str(ports[3])) for word in command]
            stack.enter_context(RoleProcess(*words, env=environment))
        wait_until(lambda: is_served(found), timeout_s=30, what="echo is served by TLS")
        yield found


def is_served(site: Site) -> bool:
    headers = {"authorization": f"Bearer {KEY}"}
    try:
        listed = httpx.get(f"{site.api}/v1/models", headers=headers, verify=site.trusts, trust_env=False)
    except httpx.TransportError:
        return False
    return bool(listed.status_code == 200 and listed.json()["data"])


def test_the_sdk_talks_to_the_api_by_tls(site: Site) -> None:
    http = httpx.Client(verify=site.trusts, trust_env=False)
    sdk = openai.OpenAI(
        base_url=f"{site.api}/v1",
        api_key=KEY,
        http_client=http,  # type: ignore[arg-type]  # its own copy of httpx takes ours
    )
    with sdk:
        stream = sdk.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "one two"}], stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "one two"


def test_who_does_not_know_the_authority_does_not_connect(site: Site) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{site.api}/health", trust_env=False)


def test_a_worker_that_does_not_know_the_authority_does_not_join(site: Site) -> None:
    with RoleProcess(
        "worker", "--engine", "echo", "--controller-address", site.controller, env={"POLYCHAT_TOKEN": TOKEN}
    ) as worker:
        worker.wait_for_line("CERTIFICATE_VERIFY_FAILED")


def test_the_page_is_served_by_tls_and_reaches_the_api(site: Site) -> None:
    with httpx.Client(base_url=site.page, verify=site.trusts, trust_env=False) as http:
        wait_until(lambda: answers(http), timeout_s=60, what="the page")
        assert http.get("/").status_code == 200


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/").status_code == 200
    except httpx.TransportError:
        return False


def test_the_commands_reach_a_service_by_tls(site: Site) -> None:
    flags = ("--tls-ca", str(site.authority))
    with RoleProcess("models", "--api-url", site.api, "--api-key", KEY, *flags) as models:
        assert models.wait(timeout_s=20) == 0
    with RoleProcess(
        "status", "--once", "--controller", site.controller, *flags, env={"POLYCHAT_TOKEN": TOKEN}
    ) as status:
        assert status.wait(timeout_s=20) == 0
    assert "echo" in models.output
    assert "echo" in status.output


def test_with_an_authority_for_clients_a_client_must_show_a_certificate(site: Site, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    tls = ("--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(site.authority))
    knowing, unknown = ssl.create_default_context(), ssl.create_default_context()
    for context in (knowing, unknown):
        authority.configure_trust(context)
    site.client.configure_cert(knowing)
    url = f"https://127.0.0.1:{port}/health"
    with RoleProcess("controller", "--port", str(port), *tls) as controller:
        controller.wait_for_line("controller on https")
        wait_until(lambda: httpx.get(url, verify=knowing, trust_env=False).status_code == 200)
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=unknown, trust_env=False)
