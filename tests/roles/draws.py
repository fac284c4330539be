"""Columns and tables drawn from a seed, as exports have them: every value is made up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

Cells = list[str]
Drawn = dict[str, Cells]
Draw = Callable[[Random, int, Drawn], Cells]


@dataclass(frozen=True)
class Export:
    """An export: its columns, each with its role and what draws it, and how the file is written."""

    columns: dict[str, tuple[str, Draw]]
    rows: int = 160
    sep: str = ","
    log: dict[str, str] = field(default_factory=dict)

    @property
    def roles(self) -> dict[str, str]:
        return {header: role for header, (role, _) in self.columns.items()}

    def table(self, seed: int = 7) -> Drawn:
        """Draw the cells of every column, by header."""
        drawn: Drawn = {}
        for header, (_, draw) in self.columns.items():
            drawn[header] = draw(Random(f"{seed} {header}"), self.rows, drawn)
        return drawn

    def text(self, drawn: Drawn | None = None) -> str:
        drawn = drawn or self.table()
        rows = [list(drawn), *map(list, zip(*drawn.values(), strict=True))]
        return "\n".join(self.sep.join(_quoted(cell, self.sep) for cell in row) for row in rows) + "\n"


def _quoted(cell: str, sep: str) -> str:
    return f'"{cell}"' if sep in cell else cell


def code(prefix: str = "", digits: int = 5) -> Draw:
    """Codes that never repeat, in no order."""
    return lambda rng, n, _: [f"{prefix}{c}" for c in rng.sample(range(10 ** (digits - 1), 10**digits), n)]


def words(*texts: str, weights: tuple | None = None) -> Draw:
    return lambda rng, n, _: rng.choices(texts, weights, k=n)


def own(form: str) -> Draw:
    """A text of its own for each row."""
    return lambda rng, n, _: [form.format(i) for i in rng.sample(range(n), n)]


def whole(low: int, high: int) -> Draw:
    return lambda rng, n, _: [str(rng.randint(low, high)) for _ in range(n)]


def count(mean: float) -> Draw:
    """Counts from 1 on, of which most are small."""
    return lambda rng, n, _: [str(1 + int(rng.expovariate(1 / mean))) for _ in range(n)]


def money(typical: float, spread: float = 0.7, mark: str = ".", group: str = "", after: str = "") -> Draw:
    """Amounts with a long tail."""

    def draw(rng, n, _):
        told = [f"{rng.lognormvariate(0, spread) * typical:,.2f}" for _ in range(n)]
        return [text.replace(",", "_").replace(".", mark).replace("_", group) + after for text in told]

    return draw


def share(high: float = 100, mark: str = ".", places: int = 1) -> Draw:
    return lambda rng, n, _: [f"{rng.betavariate(1.5, 4) * high:.{places}f}".replace(".", mark) for _ in range(n)]


def score() -> Draw:
    """What a model put out: probabilities."""
    return lambda rng, n, _: [f"{rng.random():.6f}" for _ in range(n)]


def day(first: str, last: str, form: str = "%Y-%m-%d") -> Draw:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return lambda rng, n, _: [(start + timedelta(rng.randint(0, (end - start).days))).strftime(form) for _ in range(n)]


def ratings(low: int = 1, high: int = 5, middle: float | None = None) -> Draw:
    """Answers of two kinds of people."""

    def draw(rng, n, _):
        ends = (low + high) / 2 - 1, (low + high) / 2 + 1
        told = (rng.gauss(rng.choice(ends) if middle is None else middle, 1) for _ in range(n))
        return [str(min(max(round(value), low), high)) for value in told]

    return draw


def gaps(draw: Draw, part: float) -> Draw:
    """Leave a part of the cells empty."""
    return lambda rng, n, so_far: [cell if rng.random() > part else "" for cell in draw(rng, n, so_far)]


def near(header: str, times: float, mark: str = ".", places: int = 2, noise: float = 0.02) -> Draw:
    """Nearly a copy of a column before, in another unit."""

    def draw(rng, n, so_far):
        values = (float(cell.replace(mark, ".")) for cell in so_far[header])
        told = (f"{value * times * (1 + rng.gauss(0, noise)):.{places}f}" for value in values)
        return [text.replace(".", mark) for text in told]

    return draw


def levels(header: str, mark: str = ".") -> Draw:
    """Scores from 1 to 5 by the fifth of a column that a value lies in."""

    def draw(rng, n, so_far):
        values = [float(cell.replace(mark, ".")) for cell in so_far[header]]
        rank = {value: i for i, value in enumerate(sorted(values))}
        return [str(1 + 5 * rank[value] // n) for value in values]

    return draw


def of_orders(draw: Draw, lines: float = 3.0) -> Draw:
    """The same for all lines of an order: what is drawn once an order; call it for each column of one, alike."""

    def repeat(rng, n, so_far):
        counts = Random(f"lines {n} {lines}")
        each = [i for i in range(n) for _ in range(1 + int(counts.expovariate(1 / lines)))][:n]
        told = draw(rng, each[-1] + 1, so_far)
        return [told[i] for i in each]

    return repeat


def alike(role: str, draw: Draw, *headers: str) -> dict[str, tuple[str, Draw]]:
    return dict.fromkeys(headers, (role, draw))


def people(prefix: str, many: int) -> Draw:
    return lambda rng, n, _: [f"{prefix}{1000 + int(rng.paretovariate(1.1) * 7) % many}" for _ in range(n)]
