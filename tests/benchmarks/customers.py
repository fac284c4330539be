"""Generated customers of any number: five planted segments, 1% dirty rows, 0.1% repeated ids, the same every time."""

from pathlib import Path

import duckdb

SEED = 7
CENTRES = ((20.0, 80.0, 1.0), (85.0, 85.0, 4.0), (55.0, 50.0, 9.0), (25.0, 20.0, 16.0), (90.0, 15.0, 25.0))
DIRTY = 100  # every hundredth row, in a drawn order
REPEATED = 1000


def write_customers(path: Path, customers: int, *, seed: int = SEED) -> None:
    """Write `customers` rows as Parquet or CSV, by the ending of `path`: id, city, income, spending, visits."""
    centre = [f"list_value({', '.join(str(c[i]) for c in CENTRES)})[1 + g]" for i in range(3)]
    drawn = ", ".join(f"{_uniform(part, seed)} as u{part}" for part in range(1, 5))
    source = f"""
        with drawn as (
            select i, {_drawn(0, seed)} as h, ({_drawn(0, seed)} % 5)::integer as g,
                   {drawn}
            from range({customers}) t(i)
        )
        select case when h % {REPEATED} = 1 and i > 0 then i - 1 else i end as id,
               ['Oslo', 'Rome', 'Lima', 'Pune'][1 + ((h >> 8) % 4)::integer] as city,
               case when h % {DIRTY} = 2 then null
                    else round({centre[0]} + 4 * sqrt(-2 * ln(u1)) * cos(2 * pi() * u2), 3) end as income,
               case when h % {DIRTY * 2} = 3 then -1.0
                    else round(abs({centre[1]} + 4 * sqrt(-2 * ln(u1)) * sin(2 * pi() * u2)), 3) end as spending,
               round(abs({centre[2]} + sqrt(-2 * ln(u3)) * cos(2 * pi() * u4)), 2) as visits
        from drawn"""
    how = "format parquet" if path.suffix == ".parquet" else "format csv, header"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({source}) to '{path}' ({how})")


def _uniform(part: int, seed: int) -> str:
    """Return a number in (0, 1) drawn from the row's number."""
    return f"(({_drawn(part, seed)} >> 11)::double + 0.5) / 9007199254740992"


def _drawn(part: int, seed: int) -> str:
    """Return 64 bits drawn from the row's number: a hash of one number, because those of several are correlated."""
    return f"hash(i * 8 + {part} + {seed} * 1000000000000)"
