"""Replicas and gateways in virtual time."""

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polychat.bench.arrivals import Arrivals
from polychat.bench.simulate.figures import Figures, figures
from polychat.bench.simulate.replica import Engine, SimReplica
from polychat.bench.simulate.request import Request
from polychat.bench.simulate.workload import KINDS, Workload, arrivals, from_trace
from polychat.bench.simulate.world import Failure, Setting, World
from polychat.errors import SetupError
from polychat.routing.ask import Ask, ask_of
from polychat.routing.policies import POLICIES

PLAIN = Engine(
    prefill_tokens_per_s=1000, step_s=0.01, step_each_s=0.0, slots=4, kv_tokens=20_000, overhead_s=0
)


def simulated(setting: Setting, rate: float = 20.0) -> World:
    world = World(setting)
    world.run(arrivals(setting.workload, Arrivals(rate), setting.seed))
    return world


def outcome(policy: str, workload: Workload, rate: float, **facts: int) -> Figures:
    setting = Setting(policy=policy, workload=workload, num_requests=4000, **facts)  # type: ignore[arg-type]
    return figures(simulated(setting, rate))


settings_ = st.builds(
    Setting,
    num_replicas=st.integers(1, 5),
    num_gateways=st.integers(1, 3),
    policy=st.sampled_from(sorted(POLICIES)),
    engine=st.builds(
        Engine,
        prefill_tokens_per_s=st.sampled_from([500.0, 8000.0]),
        slots=st.integers(1, 8),
        kv_tokens=st.sampled_from([500, 10_000]),
    ),
    workload=st.builds(Workload, kind=st.sampled_from(KINDS), turns=st.integers(1, 3), think_s=st.just(0.5)),
    num_requests=st.integers(1, 60),
    failures=st.lists(st.builds(Failure, st.just(0), st.floats(0, 2), st.floats(2.5, 5)), max_size=1),
    seed=st.integers(0, 99),
)


@settings(max_examples=60, deadline=None)
@given(settings_)
def test_every_request_ends_once_in_its_order_of_times(setting: Setting) -> None:
    world = simulated(setting)
    assert len(world.requests) == setting.num_requests
    assert sum(replica.num_done for replica in world.replicas) == setting.num_requests
    assert all(replica.num_here == 0 for replica in world.replicas)
    for request in world.requests:
        assert request.first_s is not None
        assert request.ended_s is not None
        assert request.arrived_s <= request.began_prefill_s < request.first_s <= request.ended_s
        assert 0 <= request.cached_tokens < max(2, request.prompt_tokens)


@settings(max_examples=20, deadline=None)
@given(settings_)
def test_the_same_seed_has_the_same_outcome(setting: Setting) -> None:
    assert asdict(figures(simulated(setting))) == asdict(figures(simulated(setting)))


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=30), st.integers(100, 5000))
def test_a_kv_cache_never_holds_more_than_it_can(sizes: list[int], kv_tokens: int) -> None:
    replica = SimReplica(Engine(kv_tokens=kv_tokens))
    for number, size in enumerate(sizes):
        ask = ask_of(f"{number} ".encode() * size, seed="")
        replica.take(Request(number, ask, 5, 0.0))
        replica.advance(1000.0 * (number + 1))
        assert replica.load.kv_cache_usage <= 1.0
        assert replica._cached_tokens <= kv_tokens


def test_one_request_alone_takes_its_prefill_and_its_steps() -> None:
    replica = SimReplica(PLAIN)
    request = Request(0, Ask(size_bytes=4000), output_tokens=51, arrived_s=0.0)
    replica.take(request)
    replica.advance(100.0)
    assert request.first_s == pytest.approx(1.0)
    assert request.ended_s == pytest.approx(1.5)


def test_a_prompt_that_was_there_before_is_prefilled_in_no_time() -> None:
    replica, ask = SimReplica(PLAIN), ask_of(b"the same words " * 1000, seed="")
    one, other = (Request(n, ask, 1, 0.0) for n in range(2))
    replica.take(one)
    replica.advance(50.0)
    replica.take(other)
    replica.advance(100.0)
    assert other.cached_tokens > 0.9 * other.prompt_tokens
    assert other.first_s is not None
    assert other.first_s - 50.0 < 0.1 * (one.first_s or 0)


def test_more_in_the_batch_is_slower_for_each() -> None:
    def last_end_s(num: int) -> float:
        replica = SimReplica(Engine(slots=8, step_s=0.01, step_each_s=0.01))
        requests = [Request(n, Ask(size_bytes=40), 100, 0.0) for n in range(num)]
        for request in requests:
            replica.take(request)
        replica.advance(1000.0)
        return max(request.ended_s or 0 for request in requests)

    assert last_end_s(1) < last_end_s(4) < last_end_s(8)


def test_cache_aware_cuts_the_ttft_of_conversations_and_loses_nothing_on_random_prompts() -> None:
    chat, alone = Workload("multi-turn"), Workload("random")
    aware, robin = (outcome(policy, chat, 4.0, num_replicas=8) for policy in ("cache_aware", "round_robin"))
    assert aware.hit_rate > robin.hit_rate + 0.15
    assert aware.ttft_p50_s < 0.75 * robin.ttft_p50_s
    same, least = (outcome(policy, alone, 20.0, num_replicas=8) for policy in ("cache_aware", "least_loaded"))
    assert same.requests_per_s > 0.97 * least.requests_per_s
    assert same.ttft_p50_s < 1.1 * least.ttft_p50_s


def test_a_replica_that_dies_loses_no_request() -> None:
    setting = Setting(num_requests=500, failures=(Failure(1, 2.0, 9.0),), workload=Workload("random"))
    world = simulated(setting)
    assert figures(world).num_lost == 0
    assert max(request.attempts for request in world.requests) == 2


def test_conversations_grow_by_what_was_said() -> None:
    first = next(arrivals(Workload("multi-turn"), Arrivals(1.0), 1))
    sizes = [first.talk.ask(400).size_bytes for _ in range(3)]
    assert [b - a for a, b in itertools.pairwise(sizes)] == [400, 400]
    one, other = first.talk.ask(4000).blocks, first.talk.ask(4000).blocks
    assert other[: len(one)] == one


def test_prompts_of_a_trace_share_all_blocks_whose_ids_they_share(tmp_path: Path) -> None:
    line = {"timestamp": 0, "input_length": 5 * 512, "output_length": 3, "hash_ids": [7, 8, 9, 10, 11]}
    (tmp_path / "trace").write_text("\n".join(json.dumps(line | {"timestamp": at}) for at in (0, 60_000)))
    world = World(Setting(num_replicas=1, num_requests=2))
    first, again = world.run(from_trace(tmp_path / "trace"))
    assert first.cached_tokens == 0
    assert again.cached_tokens == again.prompt_tokens - 1


def test_a_line_that_is_of_no_trace_is_named_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text('{"prompt": "hi"}')
    with pytest.raises(SetupError, match="trace:1 "):
        list(from_trace(tmp_path / "trace"))
