"""Who asks: what a request's key stands for, and what it allows."""

from dataclasses import dataclass
from enum import StrEnum

from polychat.errors import NotAllowed


class Priority(StrEnum):
    INTERACTIVE = "interactive"
    BATCH = "batch"  # is served when nobody interactive waits


class Role(StrEnum):
    USER = "user"
    ADMIN = "admin"  # may also use /admin


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a key may use; 0: no limit. Engine seconds are those of GPUs where the engine has one."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    concurrent: int = 0  # requests that run or wait at once
    tokens_per_day: int = 0
    tokens_per_month: int = 0
    gpu_s_per_day: float = 0.0
    gpu_s_per_month: float = 0.0

    @property
    def has_budget(self) -> bool:
        """Whether anything is limited per day or month."""
        return bool(
            self.tokens_per_day or self.tokens_per_month or self.gpu_s_per_day or self.gpu_s_per_month
        )


UNLIMITED = Allowance()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who one request comes from."""

    key_id: str = ""  # "": nobody in particular, where no key is needed
    name: str = ""
    account: str = ""  # whose the things are that it stores; stays when a key's secret is rotated
    role: Role = Role.USER
    models: frozenset[str] = frozenset()  # the names it may use; none: all
    allowance: Allowance = UNLIMITED
    priority: Priority = Priority.INTERACTIVE

    def may_use(self, *names: str) -> bool:
        """Whether it may use the model that goes by any of these names."""
        return not self.models or not self.models.isdisjoint(names)

    def require_model(self, *names: str) -> None:
        """Raises NotAllowed for a model that it may not use."""
        if not self.may_use(*names):
            raise NotAllowed(
                f"This key may not use the model {names[0]!r}; it may use {', '.join(sorted(self.models))}.",
                param="model",
            )


NOBODY = Caller()
