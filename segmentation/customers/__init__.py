"""From a raw table to clean customers, counted: chapters 1 and 2."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    cleaning=("clean", "fingerprint", "overview", "require_enough"),
    customers=("keep_customers", "open_customers"),
    exploring=("describing", "further_pairs", "groupings", "most_linked", "percentiles", "split_types"),
    plots=(),
    purchases=("raw_dataset",),
    tell=(),
)
