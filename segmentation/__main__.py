"""Starts the command line: `python -m segmentation <command>`."""

import sys
import traceback

try:
    from segmentation.cli import main
except ModuleNotFoundError as fault:
    if (fault.name or "").startswith("segmentation"):
        raise
    if "--debug" in sys.argv:
        traceback.print_exc()
    print(
        f"Error: this Python has no {fault.name}, and is not that of the project's environment; run make report, "
        "which sets it up, or .venv/bin/python -m segmentation (without make: see Commands in README.md)",
        file=sys.stderr,
    )
    sys.exit(2)

if __name__ == "__main__":
    main()
