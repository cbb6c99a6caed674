"""What `polychat bench` shows while it runs and leaves when it is done."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from polychat.bench import compare as comparing
from polychat.bench import document, page, report, session
from polychat.bench.sample import Sample
from polychat.bench.target import Target
from polychat.errors import SetupError


def target(
    base_url: str,
    model: str,
    *,
    endpoint: str,
    key: str,
    streams: bool,
    ignores_eos: bool,
    extra: str,
    headers: Sequence[str],
) -> Target:
    """Raises SetupError for fields or headers that are none."""
    try:
        fields = json.loads(extra) if extra else {}
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise SetupError(f"--extra-body {extra!r} is no JSON object")
    pairs = [header.partition(":") for header in headers]
    for name, colon, value in pairs:
        if not (name.strip() and colon) or "\n" in value:
            raise SetupError(f"--header {name + colon + value!r} must be NAME:VALUE")
    told = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Target(
        base_url,
        model,
        endpoint,
        key=key,
        streams=streams,
        ignores_eos=ignores_eos,
        extra=fields,
        headers=told,
    )


def run(wish: session.Wish) -> session.Outcome:
    """Do what is wished, with a bar for each load where somebody looks."""
    if not sys.stderr.isatty():
        return session.run(wish)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars = [
            progress.add_task(f"{load:g} {wish.unit}", total=wish.plan.num_requests) for load in wish.loads()
        ]

        def tell(number: int, sample: Sample) -> None:
            if not sample.is_warmup:
                progress.advance(bars[number])

        return session.run(wish, tell)


def write(
    outcome: session.Outcome, *, json_file: Path | None, html_file: Path | None, markdown_file: Path | None
) -> None:
    """Print the report, and write the files that were asked for."""
    text = report.markdown(outcome.steps, outcome.settings, unit=outcome.wish.unit)
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        typer.echo(text, nl=False)
    if json_file is not None:
        document.written(json_file, document.document(outcome.steps, outcome.runs, outcome.settings))
    if html_file is not None:
        _write(html_file, page.page(outcome.steps, outcome.runs, outcome.settings, unit=outcome.wish.unit))
    if markdown_file is not None:
        _write(markdown_file, text)


def compare(one: Path, other: Path) -> None:
    """Print what two results of --json say beside each other."""
    lines = comparing.compared(document.read(one), document.read(other))
    typer.echo(f"{'':24}{one.name:>16}{other.name:>16}{'ratio':>8}")
    for line in lines:
        typer.echo(f"{line.name:24}{line.one:16.2f}{line.other:16.2f}{line.ratio:8.2f}  {line.verdict}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise SetupError(f"cannot write {path}: {exc.strerror or exc}") from exc
