"""Every scenario of `polychat conformance` on vLLM."""

from collections.abc import Iterator

import pytest

from polychat.conformance.catalog import scenarios
from polychat.conformance.scenario import Scenario
from tests.integration.test_conformance import Served
from tests.vllm.conftest import Vllm


@pytest.fixture(scope="module")
def served(vllm: Vllm) -> Iterator[Served]:
    with vllm.serve():
        yield Served(vllm.cluster.api_url)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
async def test_the_published_api_is_kept_to(served: Served, scenario: Scenario) -> None:
    await served.attempt(scenario)
