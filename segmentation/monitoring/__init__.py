"""The months after: a run started from another, two runs compared: chapter 6, or several: chapter 7."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    comparison=("agreement", "compare_runs", "moved_centres", "moves", "public_moves", "shares_table"),
    fixed=("as_optimum", "judge_fit", "keep_segments", "place_in", "scale_as", "unchanged", "write_fitted"),
    shown=(
        "centres_as_text",
        "drift_table",
        "fates_table",
        "flows_of",
        "largest_by_run",
        "largest_moves",
        "months_table",
        "lines_of",
        "moves_matrix",
        "runs_table",
        "shares_as_text",
        "shares_by_run",
        "show_figure",
        "show_rand",
        "telling_axes",
        "worth_by_run",
    ),
    transitions=("carried_scaling", "refresh", "write_lineage"),
    advice=(),
    series=("Series", "compare_series", "moved_worth", "shares_over", "valued", "worth_over"),
    plots=(),
    tell=(),
)
