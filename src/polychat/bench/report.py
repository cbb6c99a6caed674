"""A run in words: a Markdown page, which the terminal shows as well."""

from collections.abc import Mapping, Sequence

from polychat.bench.stats import PERCENTS, Summary
from polychat.bench.sweep import Step, knee

_NAMES = {"ttft": "TTFT", "tpot": "TPOT", "itl": "ITL", "e2e": "E2E"}


def markdown(steps: Sequence[Step], settings: Mapping[str, object], *, unit: str) -> str:
    """The whole report. `unit`: of the load, such as "at once"."""
    told = "\n".join(f"- {name}: {value}" for name, value in settings.items())
    parts = [f"# {settings['model']} at {settings['url']}", told]
    if len(steps) > 1:
        parts.append(_sweep(steps, unit))
    parts += [_one(step, unit) for step in steps]
    return "\n\n".join(parts) + "\n"


def _sweep(steps: Sequence[Step], unit: str) -> str:
    rows = []
    for step in steps:
        summary, failed = step.summary, sum(step.summary.errors.values())
        rates = (summary.requests_per_s, summary.goodput_per_s, summary.output_tokens_per_s)
        cells = [f"{step.load:g}", *(f"{rate:.2f}" for rate in rates)]
        cells += [_p50(summary, "ttft"), _p50(summary, "e2e"), str(failed)]
        rows.append(f"| {' | '.join(cells)} |")
    best = knee(steps)
    worth = f"\n\nThe knee, where goodput by latency is greatest: **{best.load:g} {unit}**." if best else ""
    columns = (unit, "requests/s", "goodput/s", "tokens/s", "TTFT p50 ms", "E2E p50 ms", "failed")
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    return "\n".join([head, *rows]) + worth


def _one(step: Step, unit: str) -> str:
    summary = step.summary
    failed = sum(summary.errors.values())
    about = " (counted in pieces of the stream: the server tells no usage)" if summary.is_estimate else ""
    cached = (
        f", {summary.cached_tokens / summary.prompt_tokens:.0%} of them cached"
        if summary.cached_tokens
        else ""
    )
    lines = [
        f"## {step.load:g} {unit}",
        "",
        f"{summary.num_requests} requests in {summary.took_s:.1f} s, {failed} failed. "
        f"{summary.requests_per_s:.2f} answered requests/s, goodput {summary.goodput_per_s:.2f}/s. "
        f"{summary.output_tokens_per_s:.1f} tokens/s out{about}, "
        f"{summary.prompt_tokens_per_s:.1f} in{cached}.",
        "",
        *_spreads(summary),
        *_errors(summary),
        f"Load generator: {summary.cpu_share:.0%} of a core, "
        f"its clock late by {summary.lag_p99_s * 1000:.1f} ms at p99.",
    ]
    if summary.is_generator_slow:
        lines.append(
            "**It may have been the bottleneck itself**: use less load, or a quieter machine for it."
        )
    return "\n".join(lines)


def _spreads(summary: Summary) -> list[str]:
    if not summary.spreads:
        return []
    head = ["ms", "mean", *(f"p{q}" for q in PERCENTS), "max"]
    rows = [
        [_NAMES[name], *(f"{1000 * v:.1f}" for v in (spread.mean, *spread.percentiles.values(), spread.most))]
        for name, spread in summary.spreads.items()
    ]
    return [*(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)), ""]


def _errors(summary: Summary) -> list[str]:
    if not summary.errors:
        return []
    ordered = sorted(summary.errors.items(), key=lambda item: -item[1])
    return ["Failed, and in no figure above:", "", *(f"- {count} × {what}" for what, count in ordered), ""]


def _p50(summary: Summary, name: str) -> str:
    spread = summary.spreads.get(name)
    return f"{spread.percentiles[50] * 1000:.1f}" if spread else "–"
