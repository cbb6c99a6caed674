"""TLS: what a role shows to its clients, and whom our own clients trust.

Clients trust the system's authorities, and those in the file that OpenSSL's own variable SSL_CERT_FILE names
(`--tls-ca` sets it).
"""

import functools
import ssl
from dataclasses import dataclass
from pathlib import Path

from polychat.errors import SetupError


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key, as PEM files; `client_ca`: clients must show one of this authority."""

    cert: Path
    key: Path
    client_ca: Path | None = None


def identity(cert: Path | None, key: Path | None, client_ca: Path | None = None) -> Identity | None:
    """What was asked for, if it can be used; None for plain HTTP.

    Raises:
        SetupError: a file is missing or is none, the key is not the certificate's, or that has expired.
    """
    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise SetupError("TLS needs both --tls-cert FILE and --tls-key FILE")
    for option, path in (("--tls-cert", cert), ("--tls-key", key), ("--tls-client-ca", client_ca)):
        if path is not None and not path.is_file():
            raise SetupError(f"{option} {path}: there is no such file")
    found = Identity(cert, key, client_ca)
    try:
        server = server_context(found)
    except ssl.SSLError as exc:
        raise SetupError(f"--tls-cert {cert} and --tls-key {key} do not go together: {_reason(exc)}") from exc
    except OSError as exc:
        raise SetupError(f"cannot read --tls-cert {cert} or --tls-key {key}: {exc.strerror}") from exc
    if client_ca is None and (why := _why_not_valid(server, cert)):
        raise SetupError(f"--tls-cert {cert} cannot be used: {why}")
    return found


def server_context(identity: Identity) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.cert, identity.key)
    if identity.client_ca is not None:
        context.load_verify_locations(identity.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@functools.cache
def trusted() -> ssl.SSLContext:
    """The system's authorities and our own: loading them takes milliseconds."""
    return ssl.create_default_context()


def only(cert: Path) -> ssl.SSLContext:
    """Trusts a server that shows this very certificate, by whatever name it is reached."""
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _why_not_valid(server: ssl.SSLContext, cert: Path) -> str:
    """Why a client that trusts the certificate refuses it now; found out by shaking hands with ourselves."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = only(cert).wrap_bio(to_client, to_server)
    for _ in range(4):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as exc:
                return exc.verify_message
            except ssl.SSLError as exc:
                return _reason(exc)
    return ""


def _reason(exc: ssl.SSLError) -> str:
    return (exc.reason or str(exc)).replace("_", " ").lower()
