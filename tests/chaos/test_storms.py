"""Storms of three seeds, one of them over PostgreSQL; POLYCHAT_CHAOS_SECONDS is how long each lasts."""

import os
from pathlib import Path

import pytest

from tests.support.chaos.run import Options, run

SECONDS = float(os.environ.get("POLYCHAT_CHAOS_SECONDS", "60"))


@pytest.mark.timeout(SECONDS + 480)
@pytest.mark.parametrize(("seed", "database"), [(1, "sqlite"), (2, "sqlite"), (3, "postgresql")])
async def test_nothing_is_lost_in_storms(seed: int, database: str, tmp_path: Path) -> None:
    report = await run(Options(seed, SECONDS, database=database), tmp_path)
    assert not report.violations, report.shown()
    assert report.counts["answered"] > 10 * SECONDS
