"""POST /v1/load_lora_adapter and /v1/unload_lora_adapter, on scripted replicas."""

import json

import httpx

from polychat.types import Endpoint
from tests.support.fake_engine import answer
from tests.support.gateway_site import CHAT, Site

DONE = answer(b"Success", content_type="text/plain")
ABSENT = answer(b'{"error":{"message":"No adapter found for /x","code":404}}', status=404)
TAKES = frozenset({Endpoint.CHAT, Endpoint.LOAD_ADAPTER, Endpoint.UNLOAD_ADAPTER})
LOAD = {"lora_name": "sql", "lora_path": "/adapters/sql"}


async def test_every_replica_of_the_model_is_told(site: Site) -> None:
    async with site.engines(DONE, DONE, endpoints=TAKES) as engines, _http(site) as http:
        loaded = await http.post("/v1/load_lora_adapter", json=LOAD)
    assert (loaded.status_code, loaded.text) == (200, "Success: LoRA adapter 'sql' added successfully.")
    assert [json.loads(engine.received[0].body) for engine in engines] == [LOAD, LOAD]


async def test_a_loaded_adapter_is_a_model_at_once(site: Site) -> None:
    async with site.engines(answer(b"{}"), endpoints=TAKES) as (engine,), _http(site) as http:
        await http.post("/v1/load_lora_adapter", json=LOAD)
        card = (await http.get("/v1/models/sql")).json()
        chat = await http.post("/v1/chat/completions", json=CHAT | {"model": "sql"})
    assert (card["root"], card["parent"]) == ("sql", "fake")
    assert (chat.status_code, json.loads(engine.received[1].body)["model"]) == (200, "sql")


async def test_an_unloaded_adapter_is_unknown_at_once(site: Site) -> None:
    async with site.engines(DONE, endpoints=TAKES, adapters=("brief",)), _http(site) as http:
        gone = await http.post("/v1/unload_lora_adapter", json={"lora_name": "brief"})
        chat = await http.post("/v1/chat/completions", json=CHAT | {"model": "brief"})
    assert gone.status_code == 200
    assert (chat.status_code, chat.json()["error"]["code"]) == (404, "model_not_found")


async def test_unloading_what_nobody_has_loaded_is_told(site: Site) -> None:
    async with site.engines(DONE, endpoints=TAKES) as (engine,), _http(site) as http:
        refused = await http.post("/v1/unload_lora_adapter", json={"lora_name": "sql"})
    assert (refused.status_code, engine.received) == (404, [])


async def test_an_adapter_that_is_not_there_is_the_clients_error_in_the_engines_words(site: Site) -> None:
    async with site.engines(ABSENT, endpoints=TAKES), _http(site) as http:
        refused = await http.post("/v1/load_lora_adapter", json=LOAD)
        models = (await http.get("/v1/models")).json()["data"]
    assert (refused.status_code, refused.json()["error"]["message"]) == (404, "No adapter found for /x")
    assert [model["id"] for model in models] == ["fake"]


async def test_models_that_take_no_adapters_say_how_they_would(site: Site) -> None:
    async with site.engines(DONE), _http(site) as http:
        refused = await http.post("/v1/load_lora_adapter", json=LOAD)
    assert refused.status_code == 501
    assert "--allow-lora-updates" in refused.json()["error"]["message"]


async def test_a_request_without_a_path_names_the_field(site: Site) -> None:
    async with site.engines(DONE, endpoints=TAKES), _http(site) as http:
        refused = await http.post("/v1/load_lora_adapter", json={"lora_name": "sql"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "lora_path")


def _http(site: Site) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=site.api_url, trust_env=False)
