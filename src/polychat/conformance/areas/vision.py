"""Images in messages."""

from polychat.conformance.areas.chat import content
from polychat.conformance.areas.stream import said
from polychat.conformance.departure import Json
from polychat.conformance.images import image_url
from polychat.conformance.scenario import Area, Scenario
from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

scenario = Area("vision", feature=Feature.VISION)

refusal = scenario.proving("errors")


def _messages(url: str) -> Json:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


@scenario("an image as a data URL is taken")
async def data_url(t: Target) -> None:
    content(await t.chat(messages=_messages(image_url())))


@scenario("an image in a streamed chat is taken")
async def streamed(t: Target) -> None:
    said(await t.chat_chunks(messages=_messages(image_url())))


def _refuses(name: str, claim: str, url: str) -> Scenario:
    async def run(t: Target) -> None:
        await t.refused(Endpoint.CHAT, t.chat_body(messages=_messages(url)), param="messages")

    return refusal(claim, name=name)(run)


BAD = (
    _refuses("file_path", "a path of a file is a 400, never read", "file:///etc/passwd"),
    _refuses(
        "private_address", "an address on the server's own network is a 400", "http://127.0.0.1:9/a.png"
    ),
    _refuses("broken_image", "data that are no image are a 400", "data:image/png;base64,AAAA"),
    _refuses("broken_base64", "a data URL that cannot be decoded is a 400", "data:image/png;base64,!!"),
)
