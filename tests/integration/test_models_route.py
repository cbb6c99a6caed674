"""GET /v1/models and /v1/models/{id}, with a database, without one and with a broken one."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from polychat.db.address import of_file
from polychat.db.conformance import Conformance, ConformanceResult
from polychat.db.database import Database
from polychat.types import Endpoint, Feature
from tests.support.fake_engine import answer
from tests.support.gateway_site import Site, start_api
from tests.support.processes import RoleProcess, free_port

NAMES = ("org/fake", "fake")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "polychat.db"


@pytest.fixture(scope="module")
def site(database: Path) -> Iterator[Site]:
    port = free_port()
    with RoleProcess("controller", "--port", str(port)) as controller:
        controller.wait_until_answers(f"http://127.0.0.1:{port}/health")
        api, url = start_api(f"http://127.0.0.1:{port}", "--db", f"sqlite:///{database}")
        with api:
            yield Site(f"http://127.0.0.1:{port}", url)


@asynccontextmanager
async def model(site: Site, **facts: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway, which knows one replica of org/fake, also called fake."""
    async with (
        site.engines(answer(b"{}"), names=NAMES, **facts),
        httpx.AsyncClient(trust_env=False, base_url=site.api_url, timeout=20) as http,
    ):
        yield http


async def test_the_list_and_the_model_show_the_same_card(site: Site) -> None:
    async with model(site, features=frozenset({Feature.TOOLS})) as http:
        listed = (await http.get("/v1/models")).json()["data"]
        cards = [(await http.get(f"/v1/models/{name}")).json() for name in NAMES]
    assert listed == cards
    assert cards[0]["features"] == ["tools"]
    assert cards[0]["aliases"] == ["fake"]
    assert cards[0]["replicas"] == {"total": 1, "ready": 1, "silent": 0, "starting": 0, "draining": 0}


async def test_an_id_may_be_percent_encoded(site: Site) -> None:
    async with model(site) as http:
        assert (await http.get("/v1/models/org%2Ffake")).json()["id"] == "org/fake"


async def test_the_official_sdk_lists_and_retrieves(site: Site) -> None:
    async with model(site, endpoints=frozenset({Endpoint.EMBEDDINGS})), site.sdk() as sdk:
        assert [card.id async for card in sdk.models.list()] == list(NAMES)
        card = await sdk.models.retrieve("org/fake")
    assert card.model_extra is not None
    assert card.model_extra["modalities"] == {"input": ["text"], "output": ["embeddings"]}


async def test_the_card_says_what_conformance_found_last(site: Site, database: Path) -> None:
    kept = Database(of_file(database))
    results = {
        "features": {"tools": "green", "logprobs": "red"},
        "scenarios": [{"id": "tools.auto", "outcome": "green"}, {"id": "chat.logprobs", "outcome": "red"}],
    }
    found = ConformanceResult("org/fake", "fake", 1700.5, json.dumps(results))
    await Conformance(kept).save(found)
    await kept.close()
    async with model(site) as http:
        card = (await http.get("/v1/models/fake")).json()
    assert card["conformance"] == {"taken_at": 1700.5, "passed": 1, "failed": ["chat.logprobs"]}
    assert card["features"] == ["tools"]


async def test_a_broken_database_does_not_break_the_card(site: Site, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    api, url = start_api(site.controller_url, "--db", f"sqlite:///{broken}")
    with api:
        broken.write_bytes(b"this is no database" * 1000)
        async with model(Site(site.controller_url, url)) as http:
            response = await http.get("/v1/models/fake")
    assert response.status_code == 200
    assert "conformance" not in response.json()
