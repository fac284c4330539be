"""What the segments are worth, what a campaign to them costs, RFM groups, and who they are as lists: chapter 5."""

from segmentation import lazily

__getattr__ = lazily(__name__, campaign=("campaigns",), plots=(), rfm=("rfm_groups",), tell=(), value=("worth_of",))
