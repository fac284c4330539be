"""New customers of a finished run: the segment of each, and whether they are still like the former ones."""

from segmentation import lazily

__getattr__ = lazily(__name__, place=("score_rows", "score_source"), tell=())
