"""Imported by the server of the kernels alone: when it ends, after all of its forks, their folder goes too."""

import atexit
import os
import shutil

from segmentation.pipeline.kernels import TEMPORARY

atexit.register(shutil.rmtree, os.environ[TEMPORARY], ignore_errors=True)
