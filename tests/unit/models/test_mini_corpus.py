import json
import random
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jinja2
import jsonschema
import pytest

from tests.unit.models.conftest import MINI

Load = Callable[[str], ModuleType]
HELD_OUT = ("dev", "test")


def plain(text: str) -> str:
    """What two wordings share when only case and punctuation tell them apart."""
    return re.sub(r"[\s.!?,。！？]+", " ", text.lower()).strip()


def drawn(load: Load, split: str, *, count: int = 20) -> list[Any]:
    mix, rng = load("corpus.mix"), random.Random(3)
    return [mix.sample(rng, skill, split) for skill in mix.WEIGHTS for _ in range(count)]


def test_the_same_seed_gives_the_same_samples(load: Load) -> None:
    assert drawn(load, "train") == drawn(load, "train")


def test_no_held_out_question_about_polychat_is_in_training(load: Load) -> None:
    for item in load("corpus.faq_concepts").ALL_ITEMS:
        made = [f"{p} {c}" for p in item.prefixes.split("|") for c in item.cores.split("|")]
        trained = {plain(question) for question in [*made, *item.questions.split("|")]}
        assert trained.isdisjoint(plain(question) for question in item.held.split("|")), item.key


@pytest.mark.parametrize(
    "module", ["greetings", "echo", "memory", "tales", "systems", "yesno", "unknown", "json_scenes"]
)
def test_no_held_out_phrasing_is_in_training(load: Load, module: str) -> None:
    phrasings = load("corpus.words").Phrasings
    values = list(vars(load(f"corpus.{module}")).values())
    values += [value for table in values if isinstance(table, dict) for value in table.values()]
    for ways in (value for value in values if isinstance(value, phrasings)):
        assert {plain(way) for way in ways.train}.isdisjoint(plain(way) for way in ways.held)


def test_every_question_about_polychat_has_its_own_answer(load: Load) -> None:
    answers = [item.answer for item in load("corpus.faq_concepts").ALL_ITEMS]
    assert len(answers) == len(set(answers))


def test_real_names_and_cities_belong_to_one_split(load: Load) -> None:
    words = load("corpus.words")
    for table in (words.NAMES, words.CITIES):
        everything = [entry for entries in table.values() for entry in entries]
        assert len(everything) == len(set(everything))


@pytest.mark.parametrize("split", HELD_OUT)
def test_an_invented_word_belongs_to_one_split(load: Load, split: str) -> None:
    words, rng = load("corpus.words"), random.Random(5)
    assert {words.split_of(words.nonce(rng, split)) for _ in range(50)} == {split}


@pytest.mark.parametrize("split", HELD_OUT)
def test_evaluation_never_declares_a_trained_tool(load: Load, split: str) -> None:
    trained = {name for domain in load("corpus.tool_domains").TRAIN for name in domain.names.split("|")}
    declared = {tool.name for sample in drawn(load, split) for tool in sample.tools}
    assert declared
    assert declared.isdisjoint(trained)


def test_every_argument_of_a_call_stands_in_the_conversation(load: Load) -> None:
    mix, rng = load("corpus.mix"), random.Random(11)
    for _ in range(200):
        sample = mix.sample(rng, "call", "train")
        text = "".join(piece for piece, _ in load("corpus.sample").segments(sample)[:-1])
        for value in sample.turns[-1].calls[0].arguments.values():
            assert str(value) in text


def test_the_chat_template_writes_what_training_saw(load: Load) -> None:
    sample_module = load("corpus.sample")
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((MINI / "chat_template.jinja").read_text(encoding="utf-8"))
    for sample in drawn(load, "train"):
        if not sample.turns:
            continue
        tools = [sample_module.schema(tool) for tool in sample.tools]
        shown = template.render(messages=sample_module.messages(sample.turns), tools=tools)
        assert shown == "".join(text for text, _ in sample_module.segments(sample)) + "\n"


def held(load: Load, skill: str, *, count: int = 150) -> list[Any]:
    """Training samples whose last answer a grammar holds."""
    mix, rng = load("corpus.mix"), random.Random(13)
    return [mix.sample(rng, skill, "train") for _ in range(count)]


def test_an_answer_to_a_schema_keeps_to_it(load: Load) -> None:
    for sample in held(load, "json"):
        jsonschema.validate(json.loads(sample.turns[-1].content), sample.answer_schema)


@pytest.mark.parametrize("skill", ["json", "forced"])
def test_the_pieces_of_an_answer_are_the_answer(load: Load, skill: str) -> None:
    for sample in held(load, skill):
        written, _ = load("corpus.sample").segments(sample)[-1]
        assert "".join(piece.text for piece in sample.turns[-1].pieces) + "<|im_end|>" == written


@pytest.mark.parametrize("skill", ["json", "forced"])
def test_what_a_grammar_forces_is_among_what_it_allows(load: Load, skill: str) -> None:
    pieces = [piece for sample in held(load, skill) for piece in sample.turns[-1].pieces]
    forced = [piece for piece in pieces if piece.allowed]
    assert forced
    assert all(piece.text in piece.allowed for piece in forced)


def test_no_answer_is_taught_to_open_with_json_by_itself(load: Load) -> None:
    assert all(sample.turns[-1].pieces[0].allowed for sample in held(load, "json"))


def test_a_text_that_went_wrong_is_closed(load: Load) -> None:
    slips, render = load("corpus.json_slips"), load("corpus.json_pieces").render
    opening, given, closing = render(slips.Slip("Cape T}}}}"), {"type": "string"})
    assert (opening.text, given.text, closing.text) == ('"', "Cape T}}}}", '"')
    assert [given.is_learned, closing.is_learned] == [False, True]
