"""Every example of the pages about the API does what its page says, on the model that comes with polychat.

A block that needs what a test has not, such as a model that hears, is marked: ```bash no-run.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ADDRESS, ROOT, blocks, built_in_service, run

PAGES = ("api", "chat", "responses", "anthropic", "ollama", "embeddings", "tokenize", "media", "conformance")
PATHS = [path for name in PAGES if (path := ROOT / "docs" / f"{name}.md").exists()]
EXAMPLES = [
    pytest.param(language, code, id=f"{path.stem}-{place}-{language}")
    for path in PATHS
    for place, (language, code) in enumerate(blocks(path, "bash", "python"), 1)
]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with built_in_service() as address:
        yield address


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_runs_and_prints_something(service: str, language: str, code: str) -> None:
    assert run(language, code, service).strip()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_has_an_example_with_curl_and_one_in_python(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "```bash" in text
    assert "```python" in text
    assert ADDRESS in text
