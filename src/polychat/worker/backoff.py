"""How long to wait before an engine that has died is started again."""

LONGEST_S = 30.0
GOOD_LIFE_S = 60.0  # an engine that lived so long died of something new


def delay_s(failures: int) -> float:
    """The wait after that many deaths in a row: 1, 2, 4 … 30 seconds."""
    return min(LONGEST_S, 2.0 ** (failures - 1)) if failures < 10 else LONGEST_S


def failures_after(failures: int, *, lived_s: float) -> int:
    """The deaths in a row, counting the one of an engine that answered for `lived_s`."""
    return 1 if lived_s >= GOOD_LIFE_S else failures + 1
