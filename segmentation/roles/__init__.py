"""The role of each column of a table that nobody has described, as an expert would choose it, with the reason."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    guess=("guess_columns",),
    write=("assume", "write_dataset"),
)
