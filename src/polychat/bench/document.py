"""A run as JSON, and back: what reports and comparisons are made from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from polychat.bench.load import Run
from polychat.bench.stats import Summary
from polychat.bench.sweep import Step
from polychat.errors import SetupError

VERSION = 1
Document = dict[str, Any]  # Any: JSON


def document(steps: Sequence[Step], runs: Sequence[Run], settings: Mapping[str, object]) -> Document:
    """All of one command's runs, with each request's times in seconds."""
    return {
        "polychat_bench": VERSION,
        "settings": dict(settings),
        "runs": [
            {"load": step.load, "summary": _summary(step.summary), "requests": _requests(run)}
            for step, run in zip(steps, runs, strict=True)
        ],
    }


def written(path: Path, what: Document) -> None:
    """Raises SetupError when it cannot be written."""
    try:
        path.write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")
    except OSError as exc:
        raise SetupError(f"cannot write {path}: {exc.strerror or exc}") from exc


def read(path: Path) -> Document:
    """A document that `written` has written.

    Raises:
        SetupError: it is none.
    """
    try:
        what: Document = json.loads(path.read_text(encoding="utf-8"))
        is_ours = what["polychat_bench"] == VERSION and bool(what["runs"])
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror or exc}") from exc
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise SetupError(f"{path} is no result of `polychat bench --json`")
    return what


def _summary(summary: Summary) -> Document:
    told = asdict(summary)
    told["errors"] = dict(summary.errors)
    return told


def _requests(run: Run) -> list[Document]:
    return [
        {
            "sent_at_s": round(sample.sent_at_s, 6),
            "ttft_s": sample.ttft_s,
            "tpot_s": sample.tpot_s,
            "e2e_s": sample.e2e_s,
            "prompt_tokens": sample.prompt_tokens,
            "cached_tokens": sample.cached_tokens,
            "output_tokens": sample.output_tokens,
            "error": sample.error,
        }
        for sample in run.samples
        if not sample.is_warmup
    ]
