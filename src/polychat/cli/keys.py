"""`polychat keys`: who may use the API, and how much; works on the database, where every gateway looks."""

from typing import Annotated

import typer

from polychat.cli import options

keys = typer.Typer(
    name="keys", rich_markup_mode=None, add_completion=False, help="Make keys for the API, and end them."
)

Name = Annotated[str, typer.Argument(help="What the key is called.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="A key's name or id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the secret and nothing else.")]
Owner = Annotated[str | None, typer.Option(help="Whose key it is: a person, a team.")]
Expires = Annotated[
    str | None, typer.Option(help="When it ends: 12h, 30d, or a date (UTC, that day too); none: never.")
]
Models = Annotated[
    str | None, typer.Option(help="Models that it may use, split by commas; an empty text: all.")
]
Rpm = Annotated[int | None, typer.Option("--rpm", help="Requests per minute; 0: no limit.", min=0)]
Tpm = Annotated[int | None, typer.Option("--tpm", help="Tokens per minute; 0: no limit.", min=0)]
Concurrent = Annotated[
    int | None, typer.Option(help="Requests that run or wait at once; 0: no limit.", min=0)
]
TokensPerDay = Annotated[int | None, typer.Option(help="Tokens per UTC day; 0: no limit.", min=0)]
TokensPerMonth = Annotated[int | None, typer.Option(help="Tokens per UTC month; 0: no limit.", min=0)]
GpuSecondsPerDay = Annotated[
    float | None, typer.Option(help="Seconds of engines' time per UTC day; 0: no limit.", min=0)
]
GpuSecondsPerMonth = Annotated[
    float | None, typer.Option(help="Seconds of engines' time per UTC month; 0: no limit.", min=0)
]
Priority = Annotated[
    str | None, typer.Option(help="interactive, or batch: served when nobody interactive waits.")
]


@keys.command()
def create(
    ctx: typer.Context,
    name: Name,
    owner: Owner = None,
    expires: Expires = None,
    models: Models = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    concurrent: Concurrent = None,
    tokens_per_day: TokensPerDay = None,
    tokens_per_month: TokensPerMonth = None,
    gpu_seconds_per_day: GpuSecondsPerDay = None,
    gpu_seconds_per_month: GpuSecondsPerMonth = None,
    priority: Priority = None,
    admin: Annotated[bool, typer.Option("--admin", help="It may use /admin, too.")] = False,
    quiet: Quiet = False,
    db: options.Db = "",
    api_url: options.ApiUrl = options.API_URL,
) -> None:
    """Make a key, and print its secret: this once, for only a hash of it is kept."""
    from polychat.cli import keys_terms, keys_work

    terms = keys_terms.said(ctx.params)
    keys_work.create(db, name, terms, api_url=api_url, is_quiet=quiet)


@keys.command()
def change(
    ctx: typer.Context,
    key: Key,
    owner: Owner = None,
    expires: Expires = None,
    models: Models = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    concurrent: Concurrent = None,
    tokens_per_day: TokensPerDay = None,
    tokens_per_month: TokensPerMonth = None,
    gpu_seconds_per_day: GpuSecondsPerDay = None,
    gpu_seconds_per_month: GpuSecondsPerMonth = None,
    priority: Priority = None,
    db: options.Db = "",
    api_url: options.ApiUrl = options.API_URL,
) -> None:
    """Change what a key may do; what is not named stays. `--expires never` takes the end away."""
    from polychat.cli import keys_terms, keys_work

    terms = keys_terms.said(ctx.params)
    keys_work.change(db, key, terms, api_url=api_url)


@keys.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Revoked keys, too.")] = False,
    as_json: Json = False,
    db: options.Db = "",
) -> None:
    """List the keys."""
    from polychat.cli import keys_work

    keys_work.print_all(db, has_revoked=everything, as_json=as_json)


@keys.command()
def show(key: Key, as_json: Json = False, db: options.Db = "") -> None:
    """Show what a key may use, and what it has used today and this month."""
    from polychat.cli import keys_work

    keys_work.print_one(db, key, as_json=as_json)


@keys.command()
def rotate(
    key: Key,
    grace: Annotated[
        str, typer.Option(help="How long the old secret still works, such as 90s, 12h or 7d; 0: not at all.")
    ] = "24h",
    quiet: Quiet = False,
    db: options.Db = "",
) -> None:
    """Give a key a new secret, and print it. Name, limits and stored responses stay."""
    from polychat.cli import keys_work

    keys_work.rotate(db, key, grace=grace, is_quiet=quiet)


@keys.command()
def revoke(key: Key, db: options.Db = "") -> None:
    """End a key, within two seconds, for good."""
    from polychat.cli import keys_work

    keys_work.revoke(db, key)
