"""Run a command and print its seconds, CPU seconds and megabytes (of the largest process) as JSON.

Linux counts what the parent held at the start among a child's memory, so this parent imports next to nothing.
"""

import json
import os
import sys
import time

start = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, used = os.wait4(pid, 0)
print(json.dumps([time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
