"""TLS options of the roles that listen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from polychat.tls import Identity

TlsCert = Annotated[Path | None, typer.Option(help="Serve by TLS with this certificate and chain (PEM).")]
TlsKey = Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")]
TlsClientCa = Annotated[
    Path | None, typer.Option(help="Let only clients in that show a certificate of this authority (PEM).")
]


def identity(cert: Path | None, key: Path | None, client_ca: Path | None = None) -> "Identity | None":
    """Raises SetupError for files that cannot be used."""
    if cert is None and key is None and client_ca is None:
        return None
    from polychat import tls

    return tls.identity(cert, key, client_ca)


def paths(cert: Path | None, key: Path | None) -> tuple[str, str] | None:
    """What `up` hands on. Raises SetupError for files that cannot be used."""
    found = identity(cert, key)
    return (str(found.cert.absolute()), str(found.key.absolute())) if found else None
