"""Who goes next, and who is turned away."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from polychat.gateway.caller import Priority
from polychat.gateway.queue import FairQueue, Ticket

INTERACTIVE, BATCH = Priority.INTERACTIVE, Priority.BATCH


def ticket(key_id: str = "a", priority: Priority = INTERACTIVE, *, is_retry: bool = False) -> Ticket:
    return Ticket(key_id, priority, is_retry)


def queue_of(*tickets: Ticket, size: int = 100, batch_share: float = 0.1) -> FairQueue[Ticket]:
    queue: FairQueue[Ticket] = FairQueue(size=size, batch_share=batch_share)
    for each in tickets:
        queue.add(each)
    return queue


def anybody(_: Ticket) -> bool:
    return True


def drained(queue: FairQueue[Ticket]) -> list[Ticket]:
    return [taken for _ in range(len(queue)) if (taken := queue.take(anybody))]


def test_a_callers_requests_go_in_the_order_in_which_they_came() -> None:
    tickets = [ticket() for _ in range(3)]
    assert drained(queue_of(*tickets)) == tickets


def test_callers_take_turns_however_many_each_has() -> None:
    queue = queue_of(*[ticket("hog") for _ in range(5)], ticket("b"), ticket("b"), ticket("c"))
    assert [each.key_id for each in drained(queue)] == ["hog", "b", "c", "hog", "b", "hog", "hog", "hog"]


def test_interactive_requests_go_before_those_of_a_batch() -> None:
    batch, interactive = ticket(priority=BATCH), ticket()
    assert drained(queue_of(batch, interactive)) == [interactive, batch]


def test_what_was_tried_already_goes_before_everything() -> None:
    first, retry = ticket(), ticket(priority=BATCH, is_retry=True)
    assert drained(queue_of(first, retry)) == [retry, first]


def test_a_batch_gets_its_share_of_the_turns() -> None:
    queue = queue_of(*[ticket() for _ in range(40)], *[ticket(priority=BATCH) for _ in range(40)])
    turns = Counter(queue.take(anybody).priority for _ in range(40))  # type: ignore[union-attr]  # 80 wait
    assert turns[BATCH] == 4


def test_a_share_of_nothing_leaves_batches_until_nobody_else_waits() -> None:
    queue = queue_of(ticket(priority=BATCH), *[ticket() for _ in range(30)], batch_share=0.0)
    assert drained(queue)[-1].priority is BATCH


def test_one_that_may_not_go_lets_others_go_and_keeps_its_place() -> None:
    blocked, other = ticket("a"), ticket("b")
    queue = queue_of(blocked, other)
    assert queue.take(lambda each: each is not blocked) is other
    assert list(queue) == [blocked]


def test_a_full_queue_turns_the_next_one_away() -> None:
    queue, late = queue_of(ticket("a"), ticket("b"), size=2), ticket("c")
    lost = queue.add(late)
    assert lost is not None
    assert (lost.ticket, lost.is_own_fault) == (late, False)


def test_a_full_queue_takes_from_the_caller_that_has_most_for_one_that_has_less() -> None:
    tickets = [ticket("hog") for _ in range(4)]
    queue, late = queue_of(*tickets, size=4), ticket("b")
    lost = queue.add(late)
    assert lost is not None
    assert (lost.ticket, lost.is_own_fault) == (tickets[-1], True)
    assert late in set(queue)


def test_a_caller_that_fills_the_queue_alone_is_told_that_it_does() -> None:
    lost = queue_of(ticket("hog"), ticket("hog"), size=2).add(ticket("hog"))
    assert lost is not None
    assert lost.is_own_fault


def test_nobody_in_particular_is_never_at_fault() -> None:
    lost = queue_of(ticket(""), ticket(""), size=2).add(ticket(""))
    assert lost is not None
    assert not lost.is_own_fault


def test_a_full_queue_takes_from_a_batch_for_an_interactive_request() -> None:
    batch = [ticket(priority=BATCH) for _ in range(2)]
    lost = queue_of(*batch, size=2).add(ticket())
    assert lost is not None
    assert lost.ticket is batch[-1]


def test_what_was_tried_already_always_has_a_place() -> None:
    queue = queue_of(ticket(), size=1)
    assert queue.add(ticket(is_retry=True)) is None
    assert len(queue) == 2


def test_who_is_ahead_counts_the_turns_of_others_but_not_all_that_they_have() -> None:
    queue = queue_of(*[ticket("hog") for _ in range(50)], ticket("b"), ticket("b"))
    assert queue.num_ahead("new", INTERACTIVE) == 2
    assert queue.num_ahead("b", INTERACTIVE) == 5
    assert queue.num_ahead("new", BATCH) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Priority)), max_size=60))
def test_the_place_in_the_queue_is_as_foretold_but_for_one_turn_of_each_caller(
    waiting: list[tuple[str, Priority]],
) -> None:
    queue = queue_of(*[ticket(key_id, priority) for key_id, priority in waiting])
    ahead = queue.num_ahead("a", INTERACTIVE)
    late = ticket("a")
    queue.add(late)
    assert abs(drained(queue).index(late) - ahead) <= 3


class Waiting(RuleBasedStateMachine):
    """A queue in which requests come, leave and go in any order."""

    SIZE = 5

    def __init__(self) -> None:
        super().__init__()
        self.queue = queue_of(size=self.SIZE)
        self.present: list[Ticket] = []

    @rule(key_id=st.sampled_from("abc"), priority=st.sampled_from(Priority), is_retry=st.booleans())
    def come(self, key_id: str, priority: Priority, is_retry: bool) -> None:
        late = ticket(key_id, priority, is_retry=is_retry)
        lost = self.queue.add(late)
        self.present.append(late)
        if lost is not None:
            assert not lost.ticket.is_retry
            self.present.remove(lost.ticket)

    @precondition(lambda self: self.present)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.present))
        self.queue.remove(gone)
        self.queue.remove(gone)
        self.present.remove(gone)

    @rule(barred=st.sampled_from("abc"))
    def go(self, barred: str) -> None:
        taken = self.queue.take(lambda each: each.key_id != barred)
        could = [each for each in self.present if each.key_id != barred]
        assert (taken is None) == (not could)
        if taken is not None:
            assert taken.is_retry or not any(each.is_retry for each in could)
            self.present.remove(taken)

    @invariant()
    def nobody_is_lost_or_there_twice(self) -> None:
        assert Counter(self.queue) == Counter(self.present)
        assert len(self.queue) == len(self.present)
        assert sum(not each.is_retry for each in self.present) <= self.SIZE
        for priority in Priority:
            waiting = [each for each in self.present if each.priority is priority]
            assert self.queue.num_waiting(priority) == len(waiting)


TestWaiting = Waiting.TestCase
