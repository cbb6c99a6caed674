"""A chaos run of any length: `python -m tests.chaos --seed 7 --minutes 60`."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.support.chaos.run import Options, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=35.0, help="requests per second")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--keep", action="store_true", help="keep the folder even if all went well")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    options = Options(given.seed, given.minutes * 60, given.rate, given.database)
    report = asyncio.run(run(options, folder, say=lambda line: print(line, flush=True)))
    print(report.shown())
    if not report.violations and not given.keep:
        shutil.rmtree(folder)
    sys.exit(bool(report.violations))


if __name__ == "__main__":
    main()
