"""The OpenAPI document has every route of the gateway, and can be read."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from polychat.compat.ollama.errors import OLLAMA_ERRORS
from polychat.gateway.openapi.document import OPERATIONS, describe, document
from polychat.gateway.openapi.operation import Api, Operation
from polychat.gateway.openapi.page import page
from polychat.gateway.table import BELOW, ROUTES, Route

IDS = [f"{operation.method} {operation.path}" for operation in OPERATIONS]


def route_of(path: str) -> Route | None:
    """As the gateway finds it."""
    below = (route for prefix, route in BELOW.items() if path.startswith(prefix))
    return ROUTES.get(path) or next(below, None)


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_and_method_is_described(path: str) -> None:
    described = {operation.method for operation in OPERATIONS if operation.path == path}
    assert described == set(ROUTES[path].methods)


@pytest.mark.parametrize("prefix", BELOW)
def test_every_method_below_a_prefix_is_described(prefix: str) -> None:
    described = {operation.method for operation in OPERATIONS if operation.path.startswith(prefix + "{")}
    assert described == set(BELOW[prefix].methods)


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_what_is_described_is_routed_open_or_not_with_its_own_errors(operation: Operation) -> None:
    route = route_of(operation.path)
    assert route is not None
    assert operation.method in route.methods
    assert route.is_open == operation.is_open
    assert (route.errors is OLLAMA_ERRORS) == (operation.api is Api.OLLAMA)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.example], ids=lambda each: each.path
)
def test_examples_are_valid_requests(operation: Operation) -> None:
    described = describe()["paths"][operation.path][operation.method.lower()]
    [content] = described["requestBody"]["content"].values()
    schema = {"$ref": content["schema"]["$ref"], "components": describe()["components"]}
    jsonschema.validate(content["example"], schema)


def test_requests_have_examples_but_for_forms() -> None:
    without = [each.path for each in OPERATIONS if each.request and not each.example and not each.files]
    assert without == []


def test_every_reference_leads_somewhere() -> None:
    schemas = describe()["components"]["schemas"]
    names = re.findall(r'"#/components/schemas/([^"]+)"', document().decode())
    assert names
    assert set(names) <= schemas.keys()


def test_every_schema_is_one() -> None:
    for schema in describe()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_names_of_schemas_do_not_tell_where_structs_live() -> None:
    assert not any("." in name for name in describe()["components"]["schemas"])


def test_operations_have_different_ids() -> None:
    ids = [each["operationId"] for path in describe()["paths"].values() for each in path.values()]
    assert len(set(ids)) == len(ids) == len(OPERATIONS)


def test_the_document_is_made_once() -> None:
    assert document() is document()
    assert json.loads(document())["openapi"] == "3.1.1"


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}


def test_the_page_asks_nobody_else_and_its_links_lead_somewhere() -> None:
    links = _Links()
    links.feed(page().decode())
    assert not links.tags & {"script", "img", "link", "iframe"}
    assert {link.removeprefix("#") for link in links.links} <= links.ids | {"/openapi.json"}


def test_the_page_shows_every_route() -> None:
    assert all(f"<code>{operation.path}</code>" in page().decode() for operation in OPERATIONS)


def test_the_index_in_the_docs_leads_to_every_route() -> None:
    index = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    heads = {"/".join(path.split("/")[:3]) for path in ROUTES if not path.startswith("/api/")}
    assert {head for head in heads if head not in index} == set()
