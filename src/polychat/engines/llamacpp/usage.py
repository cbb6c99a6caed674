"""The token counts of several choices as one: llama.cpp tells each choice's own."""

from typing import Any


class Counts:
    """Sums what is added: completions always, a prompt once although each of its choices tells it."""

    def __init__(self, num_choices: int) -> None:
        self._missing = num_choices
        self._prompts: dict[int, tuple[int, int]] = {}  # tokens, and how many of them were cached
        self._completion_tokens = 0

    def add(self, usage: dict[str, Any], *, prompt: int = 0) -> bool:  # Any: decoded JSON
        """Add what one choice of the prompt of that number tells; whether all choices have told now."""
        details = usage.get("prompt_tokens_details") or {}
        cached = details.get("cached_tokens") or 0
        self._prompts.setdefault(prompt, (usage.get("prompt_tokens") or 0, cached))
        self._completion_tokens += usage.get("completion_tokens") or 0
        self._missing -= 1
        return self._missing == 0

    @property
    def total(self) -> dict[str, object]:
        prompt_tokens = sum(tokens for tokens, _ in self._prompts.values())
        cached = sum(cached for _, cached in self._prompts.values())
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": self._completion_tokens,
            "total_tokens": prompt_tokens + self._completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
