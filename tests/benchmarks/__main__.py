"""The benchmarks: what our way costs beside another, as ratios measured in one run; one above its limit fails.

Each leaves its times, its ratios and a picture in assets/mall/bench/; the rivals take most of the time.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from segmentation.core.parallel import ready_workers
from tests.benchmarks import evidence_cost, rivals, timing, warm_start, whole


def main() -> None:
    """Print each ratio beside its limit."""
    with ready_workers():
        cost = evidence_cost.ratio()
    rows = [("evidence", "as many bare fits", cost, evidence_cost.LIMIT)]
    found = [pd.DataFrame(rows, columns=["measured", "against", "ratio", "at_most"])]
    with TemporaryDirectory() as folder:
        ways, root = warm_start.contenders(Path(folder))
        times = timing.compare(ways, root)
    found.append(timing.ratios(times, warm_start.LIMITS))
    timing.keep("warm-start", times, found[-1], timing.KEPT)
    for customers in rivals.SIZES:
        times, ratios = rivals.measure(customers)
        print(f"{customers} rows\n{rivals.table(times)}\n")
        found.append(ratios)
    found.append(whole.main())
    table = pd.concat(found)
    print(table.to_string(index=False, float_format="{:.3f}".format))
    sys.exit(bool((table["ratio"] > table["at_most"]).any()))


if __name__ == "__main__":
    main()
