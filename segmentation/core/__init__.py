"""What everything may use: errors, dataset.yaml, words, privacy, files, the engine, processes, the style of figures."""

from segmentation import lazily

__getattr__ = lazily(
    __name__,
    dataset=("ASSUMED",),
    files=("write_csv", "write_json", "write_text"),
)
