"""What the gateway answers is what its OpenAPI document says, whatever is sent."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from polychat.gateway.openapi.document import OPERATIONS, describe
from tests.support.cluster import ECHO, Cluster
from tests.support.processes import wait_until

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


TEXT = {"type": "string", "minLength": 1}
NARROWED = {  # what structs check beyond their schema would refuse nearly all that is tried
    "Message": {"role": {"enum": ["user"]}, "content": TEXT},
    "ResponseRequest": {"input": TEXT, "previous_response_id": {"type": "null"}, "tools": {"type": "null"}},
    "CountRequest": {"input": TEXT, "previous_response_id": {"type": "null"}, "tools": {"type": "null"}},
}


def described(mode: str, *, systematic: bool) -> schemathesis.BaseSchema:
    """The document, with only the model that is there. `systematic`: tries each field at its limits."""
    config = {
        "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", 501]}},
        "generation": {"deterministic": True, "mode": mode},
        "phases": {"coverage": {"enabled": systematic, "unexpected-methods": []}},
    }
    document = describe()
    for name, schema in document["components"]["schemas"].items():
        schema["required"] = sorted({*schema.get("required", ()), *NARROWED.get(name, {})})
        schema["properties"] = schema.get("properties", {}) | NARROWED.get(name, {})
        if "model" in schema.get("properties", {}):
            schema["properties"]["model"] = {"enum": ["echo"]}
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))


OTHER_NAMES = ["/rerank", "/v2/rerank", "/score", "/classify"]  # of routes that are tried
good = described("positive", systematic=True).exclude(path=OTHER_NAMES)
bad = (
    described("negative", systematic=False)
    .include(path=[operation.path for operation in OPERATIONS if operation.request])
    .exclude(path=OTHER_NAMES)
)


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with ExitStack() as stack:
        cluster = Cluster(stack)
        cluster.start_worker(*ECHO, "--echo-tokens-per-s", "0")
        wait_until(lambda: cluster.serves("echo"))
        yield cluster.api_url


@good.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_requests_as_described_are_answered_as_described(case: schemathesis.Case[Any], api_url: str) -> None:
    case.call_and_validate(base_url=api_url, checks=CHECKS)


@bad.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_other_requests_are_refused_as_described(case: schemathesis.Case[Any], api_url: str) -> None:
    case.call_and_validate(base_url=api_url, checks=CHECKS)
