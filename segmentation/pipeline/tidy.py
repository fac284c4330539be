"""Imported first, and by the server of the kernels alone: when it ends, after all of its forks, their folder goes too.

It looks for no garbage: modules leave none, and to look through all of them again and again took a fifth of the time.
"""

import atexit
import gc
import os
import shutil

from segmentation.core.parallel import TEMPORARY

atexit.register(shutil.rmtree, os.environ[TEMPORARY], ignore_errors=True)
gc.disable()
