"""Results as a matrix for people and as JSON for programs. Pure."""

from collections.abc import Sequence
from types import MappingProxyType

import msgspec

from polychat.conformance.runner import Outcome, Report, Result

_MARKS = MappingProxyType({Outcome.GREEN: "✓", Outcome.RED: "✗", Outcome.NONE: "–"})
_COLOURS = MappingProxyType({Outcome.GREEN: "32", Outcome.RED: "31", Outcome.NONE: "2"})


def rows(reports: Sequence[Report]) -> list[str]:
    """What the scenarios prove: features and areas, in their order."""
    return list(dict.fromkeys(result.scenario.proves for report in reports for result in report.results))


def summary(report: Report, row: str) -> tuple[Outcome, int, int]:
    """Of a row: its outcome, how many scenarios are green and how many applied."""
    results = [result for result in report.results if result.scenario.proves == row]
    applied = [result for result in results if result.outcome is not Outcome.NONE]
    green = sum(result.outcome is Outcome.GREEN for result in applied)
    if not applied:
        return Outcome.NONE, 0, 0
    return (Outcome.GREEN if green == len(applied) else Outcome.RED), green, len(applied)


def matrix(reports: Sequence[Report], *, colour: bool = False) -> str:
    """Models by features, then the reason of each red, then why a row does not apply."""
    names = rows(reports)
    first = max(len(name) for name in names)
    widths = [max(len(report.model), 9) for report in reports]
    heads = (report.model.ljust(width) for report, width in zip(reports, widths, strict=True))
    lines = [f"{'':{first}}  {'  '.join(heads)}".rstrip()]
    for name in names:
        cells = (
            _cell(summary(report, name), width, colour) for report, width in zip(reports, widths, strict=True)
        )
        lines.append(f"{name:{first}}  {'  '.join(cells)}".rstrip())
    for report in reports:
        lines += ["", *_explained(report)]
    return "\n".join(lines)


def document(report: Report, taken_at: float) -> dict[str, object]:
    """One model's results for --json, and for the database."""
    return {
        "model": report.model,
        "root": report.root,
        "engine": report.engine,
        "taken_at": taken_at,
        "features": {name: summary(report, name)[0] for name in rows([report])},
        "scenarios": [_described(result) for result in report.results],
    }


def encoded(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _cell(told: tuple[Outcome, int, int], width: int, colour: bool) -> str:
    outcome, green, applied = told
    text = _MARKS[outcome] if outcome is Outcome.NONE else f"{_MARKS[outcome]} {green}/{applied}"
    padded = text.ljust(width)
    return f"\x1b[{_COLOURS[outcome]}m{padded}\x1b[0m" if colour else padded


def _explained(report: Report) -> list[str]:
    counts = {outcome: sum(each.outcome is outcome for each in report.results) for outcome in Outcome}
    red = [result for result in report.results if result.outcome is Outcome.RED]
    lines = [
        f"{report.model}: {counts[Outcome.GREEN]} green, {counts[Outcome.RED]} red, "
        f"{counts[Outcome.NONE]} do not apply"
    ]
    for result in red:
        lines += [f"  ✗ {result.scenario.id}: {result.scenario.claim}", f"      {result.reason}"]
    absent: dict[str, list[str]] = {}
    for result in report.results:
        if result.outcome is Outcome.NONE:
            absent.setdefault(result.reason, []).append(result.scenario.id)
    lines += [f"  – {reason}: {_listed(ids)}" for reason, ids in absent.items()]
    return lines


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


def _described(result: Result) -> dict[str, object]:
    return {
        "id": result.scenario.id,
        "proves": result.scenario.proves,
        "claim": result.scenario.claim,
        "outcome": result.outcome,
        "reason": result.reason,
    }
