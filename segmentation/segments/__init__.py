"""The segments: formed, placed, described and named: chapters 4 and 5."""

from segmentation import lazily

__getattr__ = lazily(__name__, fit=("scale",), plots=(), tell=())
