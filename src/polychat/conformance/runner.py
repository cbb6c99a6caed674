"""Runs scenarios, one after the other, and says how each went."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import httpx

from polychat.client import normal_url
from polychat.conformance.applies import require_applicable
from polychat.conformance.departure import Departure, Json, NotApplicable, at
from polychat.conformance.scenario import Scenario
from polychat.conformance.target import TIMEOUT_S, Target
from polychat.errors import SetupError
from polychat.listen import is_loopback


class Outcome(StrEnum):
    GREEN = "green"
    RED = "red"
    NONE = "none"  # it does not apply


@dataclass(frozen=True, slots=True)
class Result:
    scenario: Scenario
    outcome: Outcome
    reason: str = ""  # why it is red, or does not apply


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one model."""

    model: str
    root: str  # the model's own id, of which `model` may be another name
    engine: str  # "" if the endpoint does not say
    results: tuple[Result, ...]

    @property
    def is_red(self) -> bool:
        return any(result.outcome is Outcome.RED for result in self.results)


def client(api_key: str, base_url: str) -> httpx.AsyncClient:
    """HTTP as the scenarios need it: patient, with the key if there is one."""
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    # A company's proxy cannot reach this machine's loopback.
    trust_env = not is_loopback(httpx.URL(normal_url(base_url)).host)
    return httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, trust_env=trust_env)


async def targets(http: httpx.AsyncClient, base_url: str, models: Sequence[str]) -> list[Target]:
    """The models to try: the named ones, else each that is served, under one name.

    Raises:
        SetupError: nothing answers there, or no model is served.
    """
    root = normal_url(base_url)
    try:
        is_polychat = await _is_polychat(http, root)
        listed = [] if models else await _listed(http, root)
    except (httpx.HTTPError, Departure) as exc:
        raise SetupError(f"{root} does not answer as an OpenAI-compatible API: {exc}") from exc
    if not models and not listed:
        raise SetupError(f"{root} serves no model; name one with --model")
    return [
        Target(http, root, model, await _card(http, root, model), is_polychat) for model in models or listed
    ]


async def tried(target: Target, scenario: Scenario) -> Result:
    """How the scenario goes on that model."""
    try:
        await require_applicable(target, scenario)
        await scenario.run(target)
    except NotApplicable as exc:
        return Result(scenario, Outcome.NONE, str(exc))
    except Departure as exc:
        return Result(scenario, Outcome.RED, str(exc))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as exc:
        # Reading an answer of an unforeseen form must not end the run.
        return Result(scenario, Outcome.RED, f"expected another form of answer, got {exc!r} in reading it")
    return Result(scenario, Outcome.GREEN)


async def run(target: Target, scenarios: Sequence[Scenario], tell: Callable[[Result], None]) -> Report:
    """Every scenario on one model; `tell` hears of each result."""
    results = []
    for scenario in scenarios:
        result = await tried(target, scenario)
        tell(result)
        results.append(result)
    root, engine = (str(target.card.get(name) or "") for name in ("root", "engine"))
    return Report(target.model, root or target.model, engine, tuple(results))


async def _is_polychat(http: httpx.AsyncClient, root: str) -> bool:
    reply = await Target(http, root, "").get("/")
    try:
        facts = reply.json
    except Departure:
        return False
    return isinstance(facts, dict) and facts.get("name") == "polychat"


async def _listed(http: httpx.AsyncClient, root: str) -> list[str]:
    """One name of each model: the first of those with the same root."""
    answer = (await Target(http, root, "").get("/v1/models")).ok()
    first: dict[str, str] = {}
    for card in at(answer, "data"):
        name = str(at(card, "id"))
        first.setdefault(str(card.get("root") or name), name)
    return list(first.values())


async def _card(http: httpx.AsyncClient, root: str, model: str) -> Json:
    try:
        reply = await Target(http, root, model).get(f"/v1/models/{model}")
        card = reply.json if reply.status == 200 else {}
    except Departure:
        card = {}
    return card if isinstance(card, dict) else {}
