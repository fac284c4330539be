"""The months after: a run started from another, and two runs compared: chapter 6."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    comparison=("agreement", "compare_runs", "moved_centres", "moves", "public_moves", "shares_table", "sizes"),
    fixed=("as_optimum", "judge_fit", "keep_segments", "place_in", "scale_as", "unchanged", "write_fitted"),
    shown=(
        "centres_as_text",
        "drift_table",
        "fates_table",
        "moves_matrix",
        "rows_of_moves",
        "runs_table",
        "shares_as_text",
        "show_rand",
        "telling_axes",
    ),
    transitions=("refresh", "write_lineage"),
    plots=(),
    tell=(),
)
