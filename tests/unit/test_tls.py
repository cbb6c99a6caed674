import datetime
from pathlib import Path

import pytest
import trustme

from polychat import tls
from polychat.errors import SetupError

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def written(folder: Path, name: str, issued: trustme.LeafCert) -> tuple[Path, Path]:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return cert, key


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_certificate_with_its_key_can_be_used(tmp_path: Path, authority: trustme.CA) -> None:
    cert, key = written(tmp_path, "a", authority.issue_cert("llm.example"))
    assert tls.identity(cert, key) == tls.Identity(cert, key)


def test_nothing_asked_for_is_plain_http() -> None:
    assert tls.identity(None, None) is None


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="both --tls-cert FILE and --tls-key FILE"):
        tls.identity(tmp_path / "a.pem", None)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"--tls-cert .*a\.pem: there is no such file"):
        tls.identity(tmp_path / "a.pem", tmp_path / "a.key")


def test_another_certificates_key_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    cert, _ = written(tmp_path, "a", authority.issue_cert("a.example"))
    _, key = written(tmp_path, "b", authority.issue_cert("b.example"))
    with pytest.raises(SetupError, match="do not go together: key values mismatch"):
        tls.identity(cert, key)


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hello")
    with pytest.raises(SetupError, match="do not go together"):
        tls.identity(tmp_path / "a", tmp_path / "a")


def test_a_certificate_that_has_expired_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    cert, key = written(tmp_path, "a", authority.issue_cert("a.example", not_before=PAST, not_after=PAST))
    with pytest.raises(SetupError, match="certificate has expired"):
        tls.identity(cert, key)
