"""A schedule is made by its seed alone."""

import itertools

from tests.support.chaos.asks import Mix
from tests.support.chaos.history import Verb
from tests.support.chaos.schedule import Part, Storm, storms

PARTS = [Part(name, name[:-1], (Verb.KILL, Verb.STOP)) for name in ("echo1", "echo2", "gateway1", "gateway2")]


def some(seed: int) -> list[Storm]:
    return list(itertools.islice(storms(seed, PARTS), 40))


def test_the_same_seed_makes_the_same_storms_and_requests() -> None:
    assert some(7) == some(7)
    assert list(itertools.islice(Mix(7), 100)) == list(itertools.islice(Mix(7), 100))


def test_another_seed_makes_others() -> None:
    assert some(7) != some(8)


def test_a_mild_storm_strikes_one_of_each_kind() -> None:
    mild = [storm for storm in some(7) if not storm.is_rough]
    assert mild
    for storm in mild:
        struck = {action.part for action in storm.actions}
        assert len({name[:-1] for name in struck}) == len(struck)


def test_what_is_stopped_goes_on_after_at_most_6_s() -> None:
    actions = [action for storm in some(7) for action in storm.actions]
    assert all(0.1 <= action.lasts_s <= 6.0 for action in actions if action.verb is Verb.STOP)
