import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from polychat.web.csp import only_from_here


async def test_a_browser_is_told_to_load_nothing_from_elsewhere() -> None:
    app = only_from_here(Starlette(routes=[Route("/", lambda _: PlainTextResponse("hi"))]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as browser:
        answer = await browser.get("/")
    rules = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in rules
    assert "img-src 'self' data: blob:" in rules
    assert not any("http" in rule or "*" in rule for rule in rules)
