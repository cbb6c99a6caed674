import json

from polychat.conformance.catalog import scenarios
from polychat.conformance.report import document, encoded, matrix
from polychat.conformance.runner import Outcome, Report, Result
from polychat.types import Endpoint, Feature

OUTCOMES = {
    "tools.required": (Outcome.GREEN, ""),
    "tools.named": (Outcome.RED, "expected get_time, got get_weather"),
    "vision.data_url": (Outcome.NONE, "the model lacks vision"),
    "vision.streamed": (Outcome.NONE, "the model lacks vision"),
}


def report(model: str = "m") -> Report:
    results = [Result(scenarios(name)[0], *told) for name, told in OUTCOMES.items()]
    return Report(model, "acme/m", "echo", tuple(results))


def test_the_matrix_has_a_row_a_feature_and_a_column_a_model() -> None:
    lines = matrix([report(), report("other/model")]).splitlines()
    assert lines[0].split() == ["m", "other/model"]
    assert lines[1].split() == ["tools", "✗", "1/2", "✗", "1/2"]
    assert lines[2].split() == ["vision", "–", "–"]


def test_each_red_has_its_reason_and_what_does_not_apply_is_named() -> None:
    text = matrix([report()])
    assert "m: 1 green, 1 red, 2 do not apply" in text
    assert (
        "✗ tools.named: a named tool is the one that is called\n      expected get_time, got get_weather"
        in text
    )
    assert "– the model lacks vision: vision.data_url, vision.streamed" in text


def test_colour_is_only_for_terminals() -> None:
    assert "\x1b[31m" in matrix([report()], colour=True)
    assert "\x1b" not in matrix([report()])


def test_the_document_has_outcomes_by_feature_and_by_scenario() -> None:
    told = json.loads(encoded(document(report(), taken_at=7.5)))
    assert (told["model"], told["root"], told["engine"], told["taken_at"]) == ("m", "acme/m", "echo", 7.5)
    assert told["features"] == {"tools": "red", "vision": "none"}
    assert told["scenarios"][1]["id"] == "tools.named"
    assert told["scenarios"][1]["outcome"] == "red"


# ---- the catalogue


def test_every_scenario_has_its_own_id_and_claim_of_one_line() -> None:
    every = scenarios()
    assert len({scenario.id for scenario in every}) == len(every) > 200
    assert all(scenario.claim and "\n" not in scenario.claim for scenario in every)


def test_a_pattern_chooses_by_id() -> None:
    assert {scenario.area for scenario in scenarios("tools.*")} == {"tools"}
    assert scenarios("nothing") == []


def test_every_feature_that_chats_and_completions_know_is_proved_but_hearing() -> None:
    proved = {scenario.proves for scenario in scenarios()}
    assert set(Feature) - proved == {Feature.AUDIO_INPUT}
    routes = {scenario.route for scenario in scenarios()}
    assert {Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS, Endpoint.TOKENIZE} <= routes
