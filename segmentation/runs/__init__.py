"""A run: its stages, its folder, its manifest, and the finished run that another starts from."""

from segmentation import lazily

__getattr__ = lazily(__name__, run=("Run", "open_run"), finished=("open_base",), tell=())
