"""The sample: the same rows for any number of threads and order of the rows, drawn as if by chance."""

import hashlib

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare, spearmanr

from segmentation.core.engine import PRIME, hash_of, sampled

ROWS, MOST = 50_000, 5_000


def expected_hash(identity: int) -> int:
    return pow((identity + 12_345) * 1_103_515_245, 5, PRIME)


def expected_ids(ids: list) -> list:
    """Return the ids of the sample, found by other means than the engines'."""
    key = expected_hash if isinstance(ids[0], int) else lambda text: hashlib.md5(text.encode()).hexdigest()
    return sorted(ids, key=lambda identity: (key(identity), identity))[:MOST]


NUMBERS = list(range(-ROWS // 2, ROWS - ROWS // 2))
TEXTS = [f"Kundé {i}" for i in range(ROWS)]


@pytest.mark.parametrize("ids", [NUMBERS, TEXTS], ids=["numbers", "texts"])
@pytest.mark.parametrize(("threads", "seed"), [(1, None), (2, None), (2, 7)])
def test_the_sample_is_the_same_for_any_threads_and_order(tmp_path, ids, threads, seed):
    frame = pd.DataFrame({"id": ids, "spend": np.arange(ROWS) / 3})
    shuffled = frame if seed is None else frame.sample(frac=1, random_state=seed)
    shuffled.to_parquet(tmp_path / "t.parquet", row_group_size=4_096, index=False)
    table = ibis.duckdb.connect(threads=threads).read_parquet(tmp_path / "t.parquet")
    found = sampled(table, table["id"], MOST).to_pandas()
    assert found["id"].tolist() == expected_ids(ids)
    pd.testing.assert_frame_equal(found, frame.set_index("id").loc[found["id"]].reset_index())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=50))
def test_the_hash_never_overflows(ids):
    hashed = hash_of(ibis.memtable({"id": ids}, schema={"id": "int64"})["id"]).to_pandas()
    assert hashed.tolist() == [expected_hash(identity) for identity in ids]


@pytest.mark.parametrize("step", [1, 10, 997, 2**20, 2**32])
def test_the_sample_is_spread_as_chance_spreads_it(step):
    """Over the range of the ids, over what they leave divided by small numbers, and over how far apart they are."""
    rows, most = 200_000, 20_000
    table = ibis.memtable({"id": np.arange(rows) * step}, schema={"id": "int64"})
    order = sampled(table, table["id"], most)["id"].to_pandas().to_numpy() // step
    assert len(set(order)) == most
    assert abs(spearmanr(np.arange(most), order).statistic) < 0.03
    chances = [chisquare(np.bincount(order // 1_000, minlength=200)).pvalue]
    chances += [chisquare(np.bincount(order % m, minlength=m)).pvalue for m in (2, 3, 5, 7, 8, 10, 12, 16, 100, 365)]
    gaps = np.bincount(np.diff(np.sort(order)).clip(max=40), minlength=41)[1:]
    share = most / rows
    likely = share * (1 - share) ** np.arange(40)
    likely[-1] += 1 - likely.sum()
    chances.append(chi2.sf(((gaps - gaps.sum() * likely) ** 2 / (gaps.sum() * likely)).sum(), 39))
    assert min(chances) > 0.001, chances


def test_a_small_table_is_its_own_sample_and_repeated_ids_do_not_shrink_it():
    table = ibis.memtable({"id": [3, 1, 2]})
    assert sampled(table, table["id"], 3) is table
    same = ibis.memtable({"id": [0] * 100})
    assert len(sampled(same, same["id"], 10).to_pandas()) == 10
