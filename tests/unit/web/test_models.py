import asyncio

import httpx
import pytest

from polychat.client import Client
from polychat.web.models import Listing, Menu, ModelSource, follow
from polychat.web.problems import NO_MODEL

A_B = Menu((("a", "a"), ("b", "b")), "a", num_models=2)


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_model_is_chosen_when_nothing_was() -> None:
    assert follow(Menu(), "", Listing(("a", "b"))) == A_B


def test_a_new_model_appears_and_the_choice_stays() -> None:
    assert follow(A_B, "b", Listing(("a", "b", "c"))).selected == "b"


def test_an_unchanged_list_gives_an_equal_menu() -> None:
    assert follow(A_B, "a", Listing(("a", "b"))) == A_B


def test_a_chosen_model_that_is_gone_says_so_and_can_come_back() -> None:
    gone = follow(A_B, "b", Listing(("a",)))
    assert gone.choices == (("a", "a"), ("b (gone)", "b"))
    assert gone.selected == "b"
    assert gone.notice == "`b` is no longer served. Choose another model, or start it again."
    assert follow(gone, "b", Listing(("a", "b"))) == Menu(A_B.choices, "b", num_models=2)


def test_no_model_at_all_says_how_to_start_one() -> None:
    assert follow(Menu(), "", Listing()).notice == NO_MODEL
    assert "`polychat worker MODEL`" in NO_MODEL


def test_while_the_api_is_down_the_choices_stay_and_the_reason_is_shown() -> None:
    assert follow(A_B, "a", Listing(problem="Nothing answers.")) == Menu(A_B.choices, "a", "Nothing answers.")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def api(*ids_and_roots: tuple[str, str], asked: list[str]) -> Client:
    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"data": [{"id": id_, "root": root} for id_, root in ids_and_roots]})

    return Client("http://api", transport=httpx.MockTransport(respond))


async def test_other_names_of_a_model_are_left_out(clock: Clock) -> None:
    source = ModelSource(api(("x/a", "x/a"), ("a", "x/a"), asked=[]), clock=clock)
    assert await source.look() == Listing(("x/a",))


async def test_many_pages_that_look_at_once_ask_the_api_once(clock: Clock) -> None:
    asked: list[str] = []
    source = ModelSource(api(("a", "a"), asked=asked), fresh_s=1.0, clock=clock)
    await asyncio.gather(*(source.look() for _ in range(10)))
    assert asked == ["/v1/models"]
    clock.now_s = 1.0
    await source.look()
    assert len(asked) == 2


async def test_an_api_that_refuses_the_key_is_told_with_the_fix(clock: Clock) -> None:
    body = {"error": {"message": "Incorrect API key.", "code": "invalid_api_key"}}
    client = Client("http://api", transport=httpx.MockTransport(lambda _: httpx.Response(401, json=body)))
    listing = await ModelSource(client, clock=clock).look()
    assert "Incorrect API key." in listing.problem
    assert "--api-key" in listing.problem
