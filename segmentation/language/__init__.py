"""The reader's language: what a report says, and how it writes numbers, units and days."""

from segmentation.language.message import mark, markc, numeral, tr, trc, trn
from segmentation.language.reader import LANGUAGES, speak, spoken, telling_in

__all__ = ["LANGUAGES", "mark", "markc", "numeral", "speak", "spoken", "telling_in", "tr", "trc", "trn"]
