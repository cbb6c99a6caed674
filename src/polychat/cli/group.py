"""The root command: FastChat's command names work too, and the settings file's values become defaults."""

import os
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

from polychat.cli import settings
from polychat.cli.engine_flags import with_arguments

_OF_ROOT = ("--config", "--log-level", "--log-format", "--tls-ca")
RUN_ENGINES = ("up", "worker")  # commands with arguments for engines after `--`
ALIASES = {  # FastChat's name -> ours, where the meaning is the same
    "model-worker": "worker",
    "openai-api-server": "api",
    "gradio-web-server": "web",
    "cli": "chat",
}
INSTEAD = {  # what people type who come from elsewhere -> what to type here
    "vllm-worker": "polychat worker MODEL",
    "sglang-worker": "polychat worker MODEL",
    "multi-model-worker": "polychat up MODEL MODEL …",
    "gradio-web-server-multi": "polychat web",
    "launch-all-serve": "polychat up",
    "shutdown-serve": "Ctrl-C where `polychat up` runs",
    "serve": "polychat up MODEL",
    "start": "polychat up",
    "run": "polychat up MODEL",
    "pull": "polychat download MODEL",
    "list": "polychat models list",
    "rm": "polychat models rm MODEL",
    "show": "polychat models show MODEL",
    "ps": "polychat status",
}


class PolychatGroup(TyperGroup):
    """Resolves a command's name, underscores or dashes, and gives it the settings file's values."""

    def parse_args(
        self, ctx: Any, args: list[str]
    ) -> list[str]:  # Typer's vendored click has no public types
        return super().parse_args(ctx, _roots_first(args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0].replace("_", "-")
        if name in INSTEAD:
            ctx.fail(f"there is no command {args[0]!r}; use `{INSTEAD[name]}`")
        command = ALIASES.get(name, args[0])
        words = with_arguments(args[1:]) if command in RUN_ENGINES else args[1:]
        resolved = super().resolve_command(ctx, [command, *words])
        if "--help" not in args:
            ctx.default_map = settings.load(ctx.params["config"], self.commands)
            _pass_on(ctx.params["config"])
        return resolved


def _roots_first(args: list[str]) -> list[str]:
    """Options of the root, as `--config FILE`, come first, wherever people write them."""
    roots: list[str] = []
    rest = list(args)
    at = 0
    while at < len(rest) and rest[at] != "--":
        flag, has_value, _ = rest[at].partition("=")
        size = 1 if has_value else 2
        if flag in _OF_ROOT and at + size <= len(rest):
            roots += rest[at : at + size]
            del rest[at : at + size]
        else:
            at += 1
    return roots + rest


def _pass_on(config: str) -> None:
    """The processes that this one starts read the same settings file, wherever they run."""
    if config:
        os.environ["POLYCHAT_CONFIG"] = str(Path(config).absolute())
