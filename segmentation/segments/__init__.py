"""The segments: formed, placed, described and named: chapters 4 and 5."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    assign=(
        "borders",
        "centre_of_all",
        "centres",
        "nearest_to_border",
        "open_segmented",
        "rescaled",
        "telling_order",
        "write_list",
        "write_near",
        "write_segments",
    ),
    fit=(
        "describe_scaling",
        "fit_segments",
        "near_border",
        "near_limit",
        "principal_map",
        "scale",
        "scaled_centroids",
        "scaled_far",
        "scaling_and_centroids",
        "segment",
        "spreads",
    ),
    model=("write_model",),
    names=("suggest_actions",),
    profiles=(
        "actions_table",
        "centre_table",
        "choices_table",
        "flatten",
        "nearest_table",
        "profile_segments",
        "segment_names",
        "table_of_tests",
        "write_profiles",
    ),
    robustness=("by_effect", "compare_choices", "compare_descriptors", "intervals"),
    plots=(),
    tell=(),
)
