"""The list of models on the page, which follows what the API serves."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from polychat.client import ApiError, Client
from polychat.web.problems import NO_MODEL, describe

FRESH_S = 1.0
"""However many pages look, the API is asked at most this often."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What the API said it serves, or why it did not say."""

    models: tuple[str, ...] = ()  # public ids
    problem: str = ""


NOTHING_TO_CHOOSE = (("No model yet", ""),)


@dataclass(frozen=True, slots=True)
class Menu:
    """What a page shows: (label, model id) pairs, the chosen id, and in Markdown what is amiss."""

    choices: tuple[tuple[str, str], ...] = NOTHING_TO_CHOOSE
    selected: str = ""
    notice: str = ""
    num_models: int = 0


def follow(menu: Menu, selected: str, listing: Listing) -> Menu:
    """The menu after `listing`, keeping what the user `selected` even when it is gone: it may come back."""
    if listing.problem:
        return Menu(menu.choices, selected, listing.problem)
    choices = tuple((model, model) for model in listing.models)
    num_models = len(choices)
    if selected and selected not in listing.models:
        gone = f"`{selected}` is no longer served. Choose another model, or start it again."
        return Menu((*choices, (f"{selected} (gone)", selected)), selected, gone, num_models)
    if not choices:
        return Menu(notice=NO_MODEL)
    return Menu(choices, selected or listing.models[0], "", num_models)


class ModelSource:
    """Asks the API for its models, once for all pages that look at about the same time."""

    def __init__(
        self, client: Client, *, fresh_s: float = FRESH_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._fresh_s = fresh_s
        self._clock = clock
        self._asking = asyncio.Lock()
        self._listing = Listing()
        self._asked_s = float("-inf")

    async def look(self) -> Listing:
        async with self._asking:
            if self._clock() - self._asked_s >= self._fresh_s:
                self._listing = await self._ask()
                self._asked_s = self._clock()
            return self._listing

    async def _ask(self) -> Listing:
        try:
            cards = await self._client.models()
        except ApiError as error:
            return Listing(problem=describe(error))
        return Listing(tuple(card.id for card in cards if card.id == card.root))
