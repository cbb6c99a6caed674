"""The root command: FastChat's command names work here, and what has another name is pointed to."""

from typing import Any

from typer.core import TyperGroup

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
    "list": "polychat models",
    "ps": "polychat status",
}


class PolychatGroup(TyperGroup):
    """Resolves a command's name; underscores and dashes are the same."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # Typer's vendored click has no public types
        name = args[0].replace("_", "-")
        if name in INSTEAD:
            ctx.fail(f"there is no command {args[0]!r}; use `{INSTEAD[name]}`")
        return super().resolve_command(ctx, [ALIASES.get(name, args[0]), *args[1:]])
