"""Secrets by file: POLYCHAT_TOKEN_FILE=/run/secrets/token is as good as POLYCHAT_TOKEN=…, and so on."""

from collections.abc import MutableMapping

from polychat.errors import SetupError

SECRETS = (
    "POLYCHAT_TOKEN",
    "POLYCHAT_API_KEY",
    "POLYCHAT_METRICS_TOKEN",
    "POLYCHAT_DB",
)


def read(environment: MutableMapping[str, str]) -> None:
    """Put into `environment` what the files named there hold.

    Raises:
        SetupError: one cannot be read, is empty, or its secret is given otherwise, too.
    """
    for name in SECRETS:
        if path := environment.get(f"{name}_FILE"):
            if environment.get(name):
                raise SetupError(f"set {name} or {name}_FILE, not both")
            environment[name] = _secret(path, f"{name}_FILE")
            del environment[f"{name}_FILE"]  # what we start has the secret


def _secret(path: str, variable: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.read().strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"cannot read {variable}={path}: {getattr(exc, 'strerror', None) or exc}") from exc
    if not secret:
        raise SetupError(f"{variable}={path} is empty")
    return secret
