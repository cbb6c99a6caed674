"""The client's book finds a table of usage that says something else."""

import pytest

from tests.support.chaos.asks import ECHO, Key
from tests.support.chaos.book import Book, Sum, may_be_lost
from tests.support.chaos.checker import Expected
from tests.support.chaos.history import End, Outages, Verb
from tests.support.chaos.streams import read
from tests.unit.chaos.traces import good_events, outages, refused, streamed

EXPECTED = Expected("1.0 1.1 1.2", "stop", 3, 3)
NOTHING = outages()
KILLED = outages(("gateway-1", Verb.KILL, 11.5, 13.0))


def book(*ends: End, struck: Outages = NOTHING) -> Book:
    made = Book()
    for end in ends:
        trace = streamed(*good_events(), end=end)
        made.note(trace, read(trace), EXPECTED, struck)
    return made


def test_a_table_that_agrees_is_in_order() -> None:
    counted = {(Key.MAIN, ECHO): Sum(2, 6, 6)}
    assert book(End.WHOLE, End.WHOLE).disagreements(counted) == []


@pytest.mark.parametrize("counted", [Sum(1, 3, 3), Sum(3, 9, 9), Sum(2, 6, 5), Sum(2, 7, 6), Sum()])
def test_a_table_that_counts_otherwise_is_found(counted: Sum) -> None:
    assert book(End.WHOLE, End.WHOLE).disagreements({(Key.MAIN, ECHO): counted})


def test_a_line_that_no_client_has_caused_is_found() -> None:
    assert book().disagreements({(Key.MAIN, ECHO): Sum(1, 3, 3)})


def test_the_last_second_of_a_killed_gateway_may_be_lost() -> None:
    told = book(End.WHOLE, struck=KILLED)
    assert told.disagreements({}) == []
    assert told.disagreements({(Key.MAIN, ECHO): Sum(1, 3, 3)}) == []
    assert told.disagreements({(Key.MAIN, ECHO): Sum(2, 6, 6)})


def test_an_answer_that_was_cut_off_may_have_been_counted() -> None:
    assert book(End.DROPPED).disagreements({(Key.MAIN, ECHO): Sum(1, 3, 3)}) == []


def test_what_was_refused_is_not_counted_as_answered() -> None:
    made = Book()
    trace = refused(503, "overloaded")
    made.note(trace, read(trace), EXPECTED, NOTHING)
    assert made.disagreements({(Key.MAIN, ECHO): Sum(1, 3, 3)})


def test_a_gateway_that_was_stopped_before_it_was_killed_has_written_nothing_since() -> None:
    struck = outages(("gateway-1", Verb.STOP, 12.0, 20.0), ("gateway-1", Verb.KILL, 17.0, 20.0))
    assert may_be_lost(struck.all, "gateway-1", 11.0)
    assert not may_be_lost(struck.all, "gateway-1", 10.9)
    assert not may_be_lost(struck.all, "gateway-2", 11.0)
