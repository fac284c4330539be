"""Write the synthetic sample: 200 customers drawn from five planted segments (CC0).

    python data/sample/generate.py

The sizes, centres and spreads are shaped like the five segments that are usually published
for the Mall Customers table; every value is drawn, none is copied.
"""

from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20
# segment: (customers, income mean and sd, spending mean and sd, age mean and sd, share of women)
PLANTED = {
    "average income, average spending": (80, (55, 8), (50, 6), (43, 15), 0.6),
    "high income, high spending": (40, (86, 11), (82, 8), (33, 4), 0.55),
    "high income, low spending": (36, (88, 13), (17, 8), (41, 10), 0.45),
    "low income, low spending": (22, (26, 6), (20, 9), (45, 12), 0.6),
    "low income, high spending": (22, (25, 6), (79, 8), (25, 5), 0.6),
}


def customers(seed: int = SEED) -> pd.DataFrame:
    """Return the customers in random order, with the planted segment as the last column."""
    rng = np.random.default_rng(seed)
    segments = [_segment(rng, name, *shape) for name, shape in PLANTED.items()]
    table = pd.concat(segments).sample(frac=1, random_state=rng, ignore_index=True)
    table.insert(0, "customer_id", [f"S{i:04d}" for i in range(1, len(table) + 1)])
    return table


def _segment(rng, name, n, income, spending, age, women) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gender": np.where(rng.random(n) < women, "Female", "Male"),
            "age": rng.normal(*age, n).round().clip(18, 75).astype(int),
            "annual_income_k": rng.normal(*income, n).round().clip(12, 140).astype(int),
            "spending_score": rng.normal(*spending, n).round().clip(1, 100).astype(int),
            "planted_segment": name,
        }
    )


if __name__ == "__main__":
    here = Path(__file__).parent
    table = customers()
    truth = ["customer_id", "planted_segment"]
    table.drop(columns="planted_segment").to_csv(here / "customers.csv", index=False, lineterminator="\n")
    table[truth].to_csv(here / "planted_segments.csv", index=False, lineterminator="\n")
