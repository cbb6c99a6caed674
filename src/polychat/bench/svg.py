"""Line plots as SVG, for a report that needs no library to be looked at."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 320, 60, 20, 20, 60
_COLOURS = ("#1f6feb", "#d29922", "#2da44e", "#cf222e", "#8250df", "#57606a")
_NUM_TICKS = 5
_MAX_POINTS = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(lines: Sequence[Line], *, x: str, y: str) -> str:
    """A figure with these lines; nothing if there is no point."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return ""
    most_x = max(px for line in drawn for px, _ in line.points) or 1.0
    most_y = max(py for line in drawn for _, py in line.points) or 1.0
    parts = [*_axes(most_x, most_y, x, y)]
    for number, line in enumerate(drawn):
        colour = _COLOURS[number % len(_COLOURS)]
        places = " ".join(
            f"{_across(px, most_x):.1f},{_down(py, most_y):.1f}" for px, py in _thinned(line.points)
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{places}"/>')
        place = _LEFT + 10 + 130 * (number % 5), _HEIGHT - 8 - 16 * (number // 5)
        parts.append(_text(line.name, *place, colour=colour))
    view = f"0 0 {_WIDTH} {_HEIGHT}"
    caption = html.escape(f"{y} by {x}")
    return (
        f'<figure><svg viewBox="{view}" role="img" aria-label="{caption}">{"".join(parts)}</svg>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _axes(most_x: float, most_y: float, x: str, y: str) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="currentColor"/>',
        _text(x, right, bottom + 34, anchor="end"),
        _text(y, _LEFT + 6, _TOP + 4),
    ]
    for n in range(1, _NUM_TICKS + 1):
        tick_x, tick_y = most_x * n / _NUM_TICKS, most_y * n / _NUM_TICKS
        parts.append(_text(_short(tick_x), _across(tick_x, most_x), bottom + 17, anchor="middle"))
        parts.append(_text(_short(tick_y), _LEFT - 6, _down(tick_y, most_y) + 4, anchor="end"))
    return parts


def _text(text: str, x: float, y: float, *, anchor: str = "start", colour: str = "currentColor") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}" font-size="13">'
        f"{html.escape(text)}</text>"
    )


def _across(value: float, most: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / most


def _down(value: float, most: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / most


def _short(value: float) -> str:
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if 0 < value < 100 else f"{value:.0f}"


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """So many that the eye misses none."""
    step = math.ceil(len(points) / _MAX_POINTS)
    return [*points[::step], points[-1]]
