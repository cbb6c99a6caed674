"""Every example of the pages for whoever runs the service, on a service with an admin's key."""

from collections.abc import Iterator

import pytest

from tests.support.pages import ROOT, blocks, run
from tests.support.usage_site import service

PATHS = [ROOT / "docs" / f"{name}.md" for name in ("usage", "admin")]
EXAMPLES = [
    pytest.param(language, code, id=f"{path.stem}-{place}-{language}")
    for path in PATHS
    for place, (language, code) in enumerate(blocks(path, "bash", "python"), 1)
]
KEY = "the-admins-own-key"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = tmp_path_factory.mktemp("state")  # where commands without POLYCHAT_HOME look, too
    home = state / "polychat"
    home.mkdir()
    with service(str(home), f"sqlite:///{home}/polychat.db") as site, pytest.MonkeyPatch.context() as patch:
        site.start_worker("builtin")
        patch.setenv("XDG_STATE_HOME", str(state))
        yield site.start_api("polychat-mini", admin_key=KEY)[1]


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_runs_and_prints_something(address: str, language: str, code: str) -> None:
    if language == "bash":
        code = f"export POLYCHAT_ADMIN_KEY={KEY} POLYCHAT_API_KEY={KEY}\n{code}"
    else:
        code = f"import os\nos.environ['POLYCHAT_ADMIN_KEY'] = {KEY!r}\n{code}"
    assert run(language, code, address).strip()
