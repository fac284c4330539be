"""The reader's language: what a report says, and how it writes numbers, units and days."""

from segmentation.language.message import LANGUAGES, mark, numeral, speak, spoken, tr, trc, trn

__all__ = ["LANGUAGES", "mark", "numeral", "speak", "spoken", "tr", "trc", "trn"]
