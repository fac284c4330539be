"""Starts the command line: `python -m segmentation <command>`."""

from segmentation.cli import main

if __name__ == "__main__":
    main()
