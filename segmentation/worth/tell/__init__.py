"""What is said of the worth of the segments."""

from segmentation.worth.tell.lists import campaign, definitions, too_many, written
from segmentation.worth.tell.scored import (
    BETTER_EVIDENCE,
    IN_GOOD_PART,
    IN_PART,
    RFM_NOUNS,
    rfm,
    rfm_cuts,
    rfm_evidence,
    rfm_groups,
    rfm_scores,
    rfm_shares,
    rfm_table,
    rfm_within,
)
from segmentation.worth.tell.value import concentration, most, selected, shares, table, worth, worth_table

__all__ = [
    "BETTER_EVIDENCE",
    "IN_GOOD_PART",
    "IN_PART",
    "RFM_NOUNS",
    "campaign",
    "concentration",
    "definitions",
    "most",
    "rfm",
    "rfm_cuts",
    "rfm_evidence",
    "rfm_groups",
    "rfm_scores",
    "rfm_shares",
    "rfm_table",
    "rfm_within",
    "selected",
    "shares",
    "table",
    "too_many",
    "worth",
    "worth_table",
    "written",
]
