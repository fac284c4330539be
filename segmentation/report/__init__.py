"""What people see: the page, the PDF, and the dashboard."""

from segmentation import lazily

__getattr__ = lazily(__name__, display=("code", "figure", "figures", "say", "table"), tell=())
