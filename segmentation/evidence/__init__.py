"""How many segments there are, and how sure that is: chapter 3."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    criteria=("favourites", "flows", "inertia_from_one", "silhouettes"),
    gather=("judge_each", "summary_table", "taken"),
    plots=(),
    tell=(),
)
