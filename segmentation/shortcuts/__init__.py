"""Short ways to a segment: rules that need no computer, and how few questions suffice: chapter 5."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    questions=("shortest", "which_matter"),
    rules=("count_rules", "grow_rules", "write_rules", "write_sql"),
    tell=(),
)
