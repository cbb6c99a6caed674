"""What is sent, and when."""

import itertools
import json
import random
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.bench.arrivals import Arrivals
from polychat.bench.lengths import Lengths
from polychat.bench.sweep import loads
from polychat.bench.workload import Shape, from_file, made_up
from polychat.errors import SetupError


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(0, 3))
def test_the_same_seed_makes_the_same_conversations(seed: int, turns: int, prefixes: int) -> None:
    shape = Shape(turns=turns, num_prefixes=prefixes, prefix_tokens=30)
    one, other = (list(itertools.islice(made_up(shape, seed), 5)) for _ in range(2))
    assert one == other
    assert all(len(conversation.turns) == turns for conversation in one)


def test_no_two_turns_begin_alike() -> None:
    turns = [t.text for c in itertools.islice(made_up(Shape(turns=3), 1), 50) for t in c.turns]
    assert len({text.split()[0] for text in turns}) == len(turns)


def test_conversations_share_no_more_than_the_system_prompts_asked_for() -> None:
    shape = Shape(num_prefixes=3, prefix_tokens=40)
    assert len({c.system for c in itertools.islice(made_up(shape, 1), 60)}) == 3


@pytest.mark.parametrize(
    ("text", "mean"), [("7", 7), ("uniform:10-20", 15), ("normal:50,5", 50), ("lognormal:100,0.1", 100)]
)
def test_lengths_have_the_mean_that_was_asked_for(text: str, mean: float) -> None:
    lengths, chance = Lengths.parsed(text, flag="--prompt-tokens"), random.Random(2)
    assert statistics.fmean(lengths.draw(chance) for _ in range(3000)) == pytest.approx(mean, rel=0.05)
    assert str(lengths) == text


@pytest.mark.parametrize(
    "text", ["", "0", "-3", "many", "uniform:9-3", "uniform:5", "normal:1", "poisson:3,4"]
)
def test_a_length_that_is_none_is_named_with_what_can_be_written(text: str) -> None:
    with pytest.raises(SetupError, match=r"--prompt-tokens .*uniform:LOW-HIGH"):
        Lengths.parsed(text, flag="--prompt-tokens")


@pytest.mark.parametrize("arrivals", [Arrivals(20), Arrivals(20, "constant"), Arrivals(20, "gamma", 0.3)])
def test_requests_come_at_the_rate_that_was_asked_for(arrivals: Arrivals) -> None:
    times = list(itertools.islice(arrivals.times_s(random.Random(3)), 8000))
    assert times == sorted(times)
    assert len(times) / times[-1] == pytest.approx(20, rel=0.06)


def test_a_low_burstiness_brings_bursts() -> None:
    def spread(arrivals: Arrivals) -> float:
        times = list(itertools.islice(arrivals.times_s(random.Random(3)), 5000))
        gaps = [b - a for a, b in itertools.pairwise(times)]
        return statistics.pstdev(gaps) / statistics.fmean(gaps)

    assert (
        spread(Arrivals(5, "gamma", 0.25)) > 1.5 > spread(Arrivals(5)) > 0.8 > spread(Arrivals(5, "gamma", 9))
    )


def test_an_unknown_arrival_is_named_with_those_there_are() -> None:
    with pytest.raises(SetupError, match=r"'often'.*poisson, constant, gamma"):
        Arrivals(1.0, "often")


@pytest.mark.parametrize("text", ["", "4,2", "1,1", "0,1", "a,b"])
def test_a_sweep_wants_rising_loads(text: str) -> None:
    with pytest.raises(SetupError, match="--sweep"):
        loads(text, flag="--sweep")


def written(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_a_file_may_have_prompts_messages_batches_and_chats_of_sharegpt(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "hi"}]
    chat = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]
    path = written(
        tmp_path / "file.jsonl",
        {"prompt": "one"},
        {"messages": messages, "max_tokens": 3},
        {"body": {"messages": messages}, "custom_id": "x"},
        {"conversations": chat},
    )
    prompt, asked, batch, shared = from_file(path, max_tokens=9)
    assert [turn.text for turn in prompt.turns] == ["one"]
    assert (asked.messages, asked.turns[0].max_tokens) == (messages, 3)
    assert (batch.messages, batch.turns[0].max_tokens) == (messages, 9)
    assert [turn.text for turn in shared.turns] == ["a", "c"]


def test_prompts_of_a_trace_share_the_blocks_whose_ids_they_share(tmp_path: Path) -> None:
    line = {"timestamp": 1500, "input_length": 40, "output_length": 5}
    path = written(tmp_path / "t", line | {"hash_ids": [1, 2]}, line | {"hash_ids": [1, 3]})
    one, other = from_file(path, max_tokens=1)
    assert one.starts_s == 1.5
    assert one.turns[0].max_tokens == 5
    same = len(one.turns[0].text.split()) // 2
    assert one.turns[0].text.split()[:same] == other.turns[0].text.split()[:same]
    assert one.turns[0].text != other.turns[0].text


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"messages": 3}', "{}", '{"conversations": [{}]}', '{"prompt": null']
)
def test_a_line_that_is_no_request_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"prompt": "fine"}\n' + line)
    with pytest.raises(SetupError, match=r"bad\.jsonl:2 "):
        from_file(path, max_tokens=1)
