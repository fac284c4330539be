"""The benchmarks: what our way costs beside another, as ratios measured in one run; one above its limit fails.

    python -m tests.benchmarks [PART...]

Each part leaves its times in assets/mall/bench/ as soon as it is measured. When all are there, they become
`measured.csv` and the tables of docs/scale.md; with names of parts these alone are measured anew.
"""

import sys
import time
import traceback

import pandas as pd

from tests.benchmarks import evidence_cost, finished, rivals, tell, warm_start, whole
from tests.benchmarks.limits import judge
from tests.conftest import ROOT

KEPT = ROOT / "assets" / "mall" / "bench"
PARTS = {
    "start": warm_start.measure,
    "cost": evidence_cost.measure,
    "finished": finished.measure,
    "rivals": rivals.measure,
    "whole": whole.measure,
}


def main(*names: str) -> None:
    """Measure, keep, write the tables when all is whole, and print each ratio beside its limit."""
    asked, failed = names or tuple(PARTS), []
    rivals.require_installed()
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in asked:
        _place(name).unlink(missing_ok=True)
    for name in asked:
        start = time.monotonic()
        try:
            PARTS[name]().to_csv(_place(name), index=False)
        except Exception:
            traceback.print_exc()
            failed.append(name)
        print(f"{name}: {(time.monotonic() - start) / 60:.1f} minutes", file=sys.stderr, flush=True)
    if lacking := [name for name in PARTS if not _place(name).is_file()]:
        sys.exit(
            f"not measured: {', '.join(lacking)} (failed: {', '.join(failed) or 'none'}); the tables are as before"
        )
    times = pd.concat([pd.read_csv(_place(name)).assign(part=name) for name in PARTS], ignore_index=True)
    tell.keep(times)
    tell.write()
    found = judge(tell.measured(), tell.CLAIMS)
    print("\n".join(map(tell.line, found)))
    sys.exit(any(one.missed for one in found))


def _place(name: str):
    return KEPT / f"{name}.csv"


if __name__ == "__main__":
    main(*sys.argv[1:])
