"""Four months of a shop, planted: who its customers are, where their groups stand, and what becomes of these."""

import numpy as np
import pandas as pd

DESCRIBED = """title: Shop
source: {path: shop.csv}
k_range: [4, 6]
columns:
  id: {role: id}
  recency: {role: feature, label: Days since last order, unit: days}
  basket: {role: feature, label: Basket, unit: EUR}
  city: {role: descriptor, type: category}
segments:
  - {levels: {recency: high, basket: low}, name: At risk, action: Send the win-back voucher}
  - {levels: {recency: low, basket: high}, name: Champions, action: Say thank you}
  - {levels: {recency: low}, name: Active, action: Show what is new}
"""
# Who stands where in each month (days, EUR). February: a grows, b shrinks, c moves. March: d vanishes, f appears.
# April: a is split, b and c are merged nearer to where c was.
A, B, D, E, F = (20, 30), (22, 140), (170, 140), (180, 30), (260, 95)
MONTHS = {
    "jan": {"a": (120, A), "b": (70, (20, 140)), "c": (60, (90, 85)), "d": (50, D), "e": (94, E)},
    "feb": {"a": (160, A), "b": (45, B), "c": (60, (98, 92)), "d": (52, D), "e": (90, E)},
    "mar": {"a": (150, A), "b": (45, B), "c": (62, (104, 96)), "f": (48, F), "e": (92, E)},
    "apr": {"a": (90, (20, 12)), "A": (60, (20, 54)), "b": (45, (66, 116)), "c": (62, (66, 116)), "f": (50, F),
            "e": (92, E)},
}  # fmt: skip


def month(name: str) -> pd.DataFrame:
    """Return the table of a month; who comes again has the same id, which begins with the group."""
    rng, parts = np.random.default_rng([*name.encode()]), []
    for group, (size, place) in MONTHS[name].items():
        first = 90 if group == "A" else 0  # those who left the others of a
        rows = rng.normal(place, (4, 4), (size, 2)).clip(0).round(1)
        ids = [f"{group.lower()}{i}" for i in range(first, first + size)]
        parts.append(pd.DataFrame({"id": ids, "recency": rows[:, 0], "basket": rows[:, 1], "city": "X"}))
    return pd.concat(parts, ignore_index=True)
