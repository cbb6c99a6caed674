"""Markdown that is still being written: which part of it is finished. Pure.

A terminal can redraw only what is on its screen, so finished blocks are printed and the last is redrawn.
"""

_UNPRINTABLE = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A})


def printable(text: str) -> str:
    """Without the control characters by which a text could drive the terminal."""
    return text.translate(_UNPRINTABLE)


def split_finished(text: str) -> tuple[str, str]:
    """The blocks that can no longer change, and the rest. Outside code a blank line ends a block."""
    lines = text.split("\n")
    cut, fence = 0, ""
    for place, line in enumerate(lines[:-1]):  # the last line may still grow
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~") and fence in ("", mark):
            fence = "" if fence else mark
        if not fence and not line.strip():
            cut = place + 1
    return "\n".join(lines[:cut]), "\n".join(lines[cut:])


def tail(text: str, *, num_lines: int) -> str:
    """The last lines of an unfinished block, still inside its code fence if it is one."""
    lines = text.split("\n")
    if len(lines) <= num_lines:
        return text
    opening = lines[0].lstrip()
    kept = lines[-num_lines:]
    return "\n".join([opening, *kept[1:]] if opening.startswith(("```", "~~~")) else kept)
