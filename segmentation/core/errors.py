"""The faults that a user can mend, each with its exit code."""


class SegmentationError(Exception):
    """A fault told in one message: what was found, what was expected, the remedy."""

    exit_code = 1


class NotebookFailed(SegmentationError):
    """A notebook stopped with an exception."""


class UsageError(SegmentationError):
    """A wrong command, parameter or dataset.yaml."""

    exit_code = 2


class DataError(SegmentationError):
    """A table or a model that cannot be used."""

    exit_code = 3
