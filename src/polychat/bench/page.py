"""The report as one HTML file that needs nothing else: text, tables and plots drawn here."""

import html
from collections.abc import Mapping, Sequence

from polychat.bench.load import Run
from polychat.bench.report import markdown
from polychat.bench.stats import PERCENTS
from polychat.bench.svg import Line, plot
from polychat.bench.sweep import Step

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1c1e21; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; text-align: right; }
th { border-bottom: 1px solid #999; } td:first-child, th:first-child { text-align: left; }
svg { width: 100%; max-width: 44rem; height: auto; } figcaption { color: #555; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e6e6e6; }
  figcaption { color: #aaa; } }
"""


def page(steps: Sequence[Step], runs: Sequence[Run], settings: Mapping[str, object], *, unit: str) -> str:
    """The whole page."""
    body = [_html(markdown(steps, settings, unit=unit))]
    if len(steps) > 1:
        body += _sweep_plots(steps, unit)
    body += _distributions(steps, runs, unit)
    title = html.escape(f"polychat bench: {settings['model']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><body>{''.join(body)}</body></html>\n"
    )


def _sweep_plots(steps: Sequence[Step], unit: str) -> list[str]:
    goodput = [(step.load, step.summary.goodput_per_s) for step in steps]
    latencies = [
        Line(
            f"TTFT p{q}",
            [
                (step.load, step.summary.spreads["ttft"].percentiles[q] * 1000)
                for step in steps
                if "ttft" in step.summary.spreads
            ],
        )
        for q in (PERCENTS[0], PERCENTS[-1])
    ]
    return [
        plot([Line("goodput", goodput)], x=unit, y="requests/s within the SLO"),
        plot(latencies, x=unit, y="ms"),
    ]


def _distributions(steps: Sequence[Step], runs: Sequence[Run], unit: str) -> list[str]:
    ttft, e2e = [], []
    for step, run in zip(steps, runs, strict=True):
        answered = [s for s in run.samples if not (s.error or s.is_warmup)]
        name = f"{step.load:g} {unit}"
        ttft.append(Line(name, _shares([s.ttft_s * 1000 for s in answered if s.ttft_s is not None])))
        e2e.append(Line(name, _shares([s.e2e_s * 1000 for s in answered])))
    return [
        plot(ttft, x="TTFT in ms", y="share of requests"),
        plot(e2e, x="E2E in ms", y="share of requests"),
    ]


def _shares(values: Sequence[float]) -> list[tuple[float, float]]:
    """The share of values up to each: a cumulative distribution."""
    ordered = sorted(values)
    return [(value, (rank + 1) / len(ordered)) for rank, value in enumerate(ordered)]


def _html(text: str) -> str:
    """The few things that our own Markdown uses."""
    parts: list[str] = []
    for block in text.strip().split("\n\n"):
        lines = [html.escape(line) for line in block.split("\n")]
        if lines[0].startswith("#"):
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            parts.append(f"<h{level}>{lines[0].lstrip('# ')}</h{level}>")
        elif lines[0].startswith("|"):
            parts.append(_table(lines))
        elif lines[0].startswith("- "):
            parts.append(f"<ul>{''.join(f'<li>{line[2:]}</li>' for line in lines)}</ul>")
        else:
            parts.append(f"<p>{' '.join(lines).replace('**', '')}</p>")
    return "".join(parts)


def _table(lines: Sequence[str]) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[2:])
    return f"<table><tr>{head}</tr>{body}</table>"
