"""The tests, in which nothing that an earlier run has kept hides a fault."""

import os

from segmentation.core.files import ANEW

os.environ.setdefault(ANEW, "1")
