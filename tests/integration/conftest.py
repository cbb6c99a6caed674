from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support.gateway_site import Site
from tests.support.processes import RoleProcess, free_ports


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    controller_port, api_port = free_ports(2)
    controller_url, api_url = f"http://127.0.0.1:{controller_port}", f"http://127.0.0.1:{api_port}"
    flags = (
        "--controller-address",
        controller_url,
        "--replica-timeout",
        "1",
        "--queue-timeout",
        "1",
        "--max-body-mb",
        "1",
    )
    with (
        RoleProcess("controller", "--port", str(controller_port)) as controller,
        RoleProcess("api", "--port", str(api_port), *flags) as api,
    ):
        controller.wait_until_answers(f"{controller_url}/health")
        api.wait_until_answers(f"{api_url}/health")
        yield Site(controller_url, api_url)


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, base_url=site.api_url, timeout=20) as http:
        yield http
