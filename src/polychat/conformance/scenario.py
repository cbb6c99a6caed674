"""A scenario: one promise of an API, and the requests that try it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from polychat.conformance.target import Target
from polychat.types import Endpoint, Feature

Trial = Callable[[Target], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`run` raises Departure when the endpoint breaks the promise, NotApplicable when it cannot be tried."""

    id: str  # area.name
    claim: str  # what the API promises, in one line
    proves: str  # a row of the matrix: a feature or an area
    route: str  # the model must be offered there
    needs: frozenset[Feature]  # the model must have
    run: Trial

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Area:
    """What the scenarios of one file share. Calling it makes a function a scenario."""

    name: str
    route: str = Endpoint.CHAT
    feature: Feature | None = None
    proves: str = ""  # if neither the feature nor the area

    def needing(self, feature: Feature, *, route: str = "") -> "Area":
        """The same area, for scenarios that prove one feature."""
        return replace(self, feature=feature, route=route or self.route)

    def proving(self, row: str) -> "Area":
        """The same area, for scenarios that say nothing about whether the model has the feature."""
        return replace(self, proves=row)

    def on(self, route: str) -> "Area":
        """The same area, for scenarios of another route."""
        return replace(self, route=route)

    def __call__(self, claim: str, *, name: str = "") -> Callable[[Trial], Scenario]:
        """`name` if not the function's."""

        def made(run: Trial) -> Scenario:
            called = name or getattr(run, "__name__", "")
            return Scenario(
                f"{self.name}.{called}",
                claim,
                proves=self.proves or self.feature or self.name,
                route=self.route,
                needs=frozenset({self.feature} if self.feature else ()),
                run=run,
            )

        return made
