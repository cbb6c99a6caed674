"""The one page that `polychat up` shows when everything answers. Pure text."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from polychat.placement.roles import Plan

MAX_MODELS = 20


def ready_page(plan: Plan, *, models: Sequence[str], log_folder: Path, took_s: float, note: str = "") -> str:
    """URLs, models, keys, a curl line that works as it stands, and how to stop."""
    key = plan.shown_key
    rows = [
        ("API", f"{plan.api_url}/v1"),
        ("Web page", plan.web_url or note or "not started (--no-web)"),
        ("Controller", plan.controller_url),
        ("Models", _shown(models)),
        (
            "Keys",
            _keys(plan),
        ),
        ("Logs", str(log_folder)),
    ]
    table = "\n".join(f"  {name:<11} {value}" for name, value in rows)
    return f"""
polychat is ready ({took_s:.1f} s)

{table}

Try it:

  {curl(plan, models[0])}

  polychat chat{_chat_flags(plan)}

  from openai import OpenAI
  client = OpenAI(base_url="{plan.api_url}/v1", api_key="{key or "any"}")

Ctrl-C stops everything.
"""


def curl(plan: Plan, model: str) -> str:
    """A command line that asks the API something."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello! Who are you?"}]}
    words = ["curl", f"{plan.api_url}/v1/chat/completions", "-H", "Content-Type: application/json"]
    if plan.shown_key:
        words += ["-H", f"Authorization: Bearer {plan.shown_key}"]
    return shlex.join([*words, "-d", json.dumps(body, ensure_ascii=False)])


def _keys(plan: Plan) -> str:
    if plan.api_keys:
        return ", ".join(plan.api_keys)
    if plan.first_key:
        return f"{plan.first_key}  (made now, shown once; `polychat keys` makes more)"
    if plan.needs_keys:
        return "one of those in `polychat keys list`"
    return "none needed; `polychat keys create NAME` makes one, and then one is needed"


def _shown(models: Sequence[str]) -> str:
    """Providers have hundreds."""
    more = f" and {len(models) - MAX_MODELS} more" if len(models) > MAX_MODELS else ""
    return ", ".join(models[:MAX_MODELS]) + more


def _chat_flags(plan: Plan) -> str:
    flags = [] if plan.port == 8000 else ["--api-url", plan.api_url]
    flags += ["--api-key", plan.shown_key] if plan.shown_key else []
    return "".join(f" {shlex.quote(word)}" for word in flags)
