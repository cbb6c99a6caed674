"""Options on who may use the API, which `api` and `up` share; secrets come by environment or file, too."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from polychat.gateway.auth import Given
    from polychat.placement.roles import Plan

ApiKeysFile = Annotated[
    Path | None,
    typer.Option(help="A file of such keys, one a line.", envvar="POLYCHAT_API_KEYS_FILE"),
]
AdminKey = Annotated[
    str,
    typer.Option(
        help="A key that may use /admin, too; better by environment than here.", envvar="POLYCHAT_ADMIN_KEY"
    ),
]
AdminKeyFile = Annotated[
    Path | None,
    typer.Option(help="A file with that key.", envvar="POLYCHAT_ADMIN_KEY_FILE"),
]
InternalKey = Annotated[str, typer.Option(envvar="POLYCHAT_INTERNAL_KEY", hidden=True)]
NoAuth = Annotated[
    bool,
    typer.Option(
        "--no-auth",
        help="Let everybody in without a key. By default one is needed as soon as there is one, "
        "and wherever --host is not this machine's own.",
        envvar="POLYCHAT_NO_AUTH",
    ),
]


def users(api_keys: str, api_keys_file: Path | None) -> tuple[str, ...]:
    """The keys in an option and in a file, one a line there.

    Raises:
        SetupError: the file cannot be read, or holds none.
    """
    given = options.split_list(api_keys)
    return given if api_keys_file is None else (*given, *_lines(api_keys_file, "--api-keys-file"))


def admin(admin_key: str, admin_key_file: Path | None) -> str:
    """The admin's key, in an option or in a file.

    Raises:
        SetupError: the file cannot be read, or does not hold one key; or there are two.
    """
    from polychat.errors import SetupError

    if admin_key_file is None:
        return admin_key.strip()
    if admin_key.strip():
        raise SetupError("give --admin-key or --admin-key-file, not both")
    lines = _lines(admin_key_file, "--admin-key-file")
    if len(lines) > 1:
        raise SetupError(f"--admin-key-file {admin_key_file} holds {len(lines)} lines; write one key into it")
    return lines[0]


def given(users: tuple[str, ...], admin: str, internal: str) -> "Given":
    """What a gateway is started with."""
    from polychat.gateway.auth import Given

    return Given(users, admin, internal)


def required(host: str, *, no_auth: bool) -> bool | None:
    """Whether callers must show a key; None: as soon as there is one."""
    from polychat.listen import is_loopback

    return False if no_auth else None if is_loopback(host) else True


def _lines(path: Path, option: str) -> tuple[str, ...]:
    from polychat.errors import SetupError

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"cannot read {option} {path}: {getattr(exc, 'strerror', None) or exc}") from exc
    lines = tuple(line.strip() for line in text.splitlines())
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise SetupError(f"{option} {path} holds no key; write one a line")
    return keys


def hand_on(
    *, api_keys_file: Path | None, admin_key: str, admin_key_file: Path | None, no_auth: bool
) -> None:
    """Give the API and the page that this process starts the same options, by environment."""
    given = {
        "POLYCHAT_API_KEYS_FILE": str(api_keys_file.absolute()) if api_keys_file else "",
        "POLYCHAT_ADMIN_KEY": admin_key,
        "POLYCHAT_ADMIN_KEY_FILE": str(admin_key_file.absolute()) if admin_key_file else "",
        "POLYCHAT_NO_AUTH": "1" if no_auth else "",
    }
    os.environ |= {name: value for name, value in given.items() if value}


def with_first_key(plan: "Plan") -> "Plan":
    """The plan with a key that is made now, where one is needed and there has never been any."""
    from dataclasses import replace

    from polychat.cli.keys_work import make_first, place

    if plan.api_keys or not plan.needs_keys:
        return plan
    return replace(plan, first_key=make_first(place(plan.database), "first"))
