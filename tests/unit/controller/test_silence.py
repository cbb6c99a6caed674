from polychat.controller.silence import LOST_AFTER, SILENT_AFTER, Change, Silence


def test_a_worker_that_says_nothing_is_silent_once_and_lost_later() -> None:
    silence = Silence()
    changes = [silence.turn() for _ in range(LOST_AFTER)]
    assert [(n, change) for n, change in enumerate(changes, start=1) if change] == [
        (SILENT_AFTER, Change.SILENT),
        (LOST_AFTER, Change.LOST),
    ]


def test_a_word_ends_the_silence() -> None:
    silence = Silence()
    for _ in range(SILENT_AFTER):
        silence.turn()
    assert silence.heard()
    assert silence.turn() is None
    assert not silence.heard()
