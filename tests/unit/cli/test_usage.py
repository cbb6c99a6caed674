import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from polychat.cli.main import main
from polychat.cli.usage import usage
from polychat.db import address
from polychat.db.database import Database
from polychat.db.usage import Account, Batch, Sums, Usage

TODAY = datetime.now(UTC).strftime("%Y-%m-%d")
ACCOUNT = Account(TODAY, "key_ann", "m", "/v1/chat/completions", "answered")


@pytest.fixture
def db(tmp_path: Path) -> str:
    path = tmp_path / "test.db"
    asyncio.run(_fill(path))
    return f"sqlite:///{path}"


async def _fill(path: Path) -> None:
    database = Database(address.of_file(path))
    other = Account(TODAY, "", "n", "/v1/embeddings", "answered")
    sums = {ACCOUNT: Sums(2, 20, 8, 10, 2, 0.5, 3.0, 1.0), other: Sums(1, 7, duration_s=1.0)}
    await Usage(database).add(Batch("w", 1, sums), now_s=10.0)
    await database.close()


def _run(*words: str) -> int:
    return main(["usage", *words], [usage])


def test_the_table_has_a_line_for_each_key_and_model_and_a_sum(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--db", db) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == "- n 1 1 0 0 0 7 0 0 - 1.000 s 0.000 s"
    assert lines[2] == "key_ann m 2 2 0 0 0 20 8 10 0.250 s 1.500 s 1.000 s"
    assert lines[3] == "total 3 3 0 0 0 27 8 10 0.250 s 1.333 s 1.000 s"


def test_json_and_csv_have_the_same_rows(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--db", db, "--json", "--by", "model", "--model", "m") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert _run("--db", db, "--csv", "--by", "model", "--model", "m") == 0
    names, values = capsys.readouterr().out.splitlines()
    assert names.split(",") == list(row)
    assert values.split(",") == [str(value) for value in row.values()]


@pytest.mark.parametrize("words", [("--key", "nobody"), ("--until", "2020-01-01", "--since", "all")])
def test_nothing_used_is_said_in_one_line(
    db: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--db", db, *words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_no_database_is_made_to_say_that_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--db", f"sqlite:///{tmp_path}/none.db") == 0
    assert capsys.readouterr().out.startswith("Nothing has been used")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "colour"), "--by: has no 'colour'; choose from day, key, model, endpoint, outcome"),
        (("--since", "soon"), "--since: 'soon' is no day"),
        (("--csv", "--json"), "--csv and --json are two answers"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    db: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("--db", db, *words) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
