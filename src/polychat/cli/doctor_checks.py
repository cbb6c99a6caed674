"""What a check of `polychat doctor` found. Pure."""

from dataclasses import dataclass
from enum import StrEnum

GIB = 1 << 30


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # works, but not everything will
    FAIL = "fail"


_COLOURS = {Level.OK: "\x1b[32m", Level.WARN: "\x1b[33m", Level.FAIL: "\x1b[31m"}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    level: Level
    name: str
    found: str
    fix: str = ""

    def line(self, *, colour: bool = False) -> str:
        level = f"{self.level:<4}"
        shown = f"{_COLOURS[self.level]}{level}\x1b[0m" if colour else level
        return f"{shown}  {self.name:<14} {self.found}" + (f" -> {self.fix}" if self.fix else "")


def ok(name: str, found: str) -> Check:
    return Check(Level.OK, name, found)


def warn(name: str, found: str, fix: str) -> Check:
    return Check(Level.WARN, name, found, fix)


def fail(name: str, found: str, fix: str) -> Check:
    return Check(Level.FAIL, name, found, fix)


def room(name: str, free_bytes: int, *, enough_bytes: int, least_bytes: int, fix: str) -> Check:
    """Free disk or memory against what a service needs: too little fails, little warns."""
    found = f"{free_bytes / GIB:.1f} GiB free"
    if free_bytes < least_bytes:
        return fail(name, found, fix)
    return ok(name, found) if free_bytes >= enough_bytes else warn(name, found, fix)
