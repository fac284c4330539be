"""A reproducible, notebook-driven customer segmentation report."""

import time
from collections.abc import Callable
from importlib import import_module

LOADED = time.time_ns()  # a module that was written later may not be what runs here, or in a fork of this process


def lazily(package: str, **names: tuple[str, ...]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package (PEP 562) that gives the names of its modules when they are asked for.

    Imported at once they would cost a run in which nothing changed two seconds.

    Parameters
    ----------
    names : tuple of str
        Module -> the names that the package gives of it; none of a module that is given itself.
    """
    homes = {name: module for module, given in names.items() for name in given}

    def __getattr__(name: str) -> object:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        if name in names:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
