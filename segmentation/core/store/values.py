"""Values as bytes and back, exactly and without anything that could run; and a digest that tells two of them apart."""

import hashlib
import io
import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

TOLD = "told"  # the member of a file that says how its arrays make a value


def digest(*values) -> str:
    """Return the SHA-256 of values, which differs where a type, an order or a last bit of them does."""
    found = hashlib.sha256()
    _feed(found, values)
    return found.hexdigest()


def _feed(found, value) -> None:
    if isinstance(value, (pd.DataFrame, pd.Series)):
        value = [type(value).__name__, *_parts_of(value)]
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = value.tolist()
    if isinstance(value, (np.ndarray, np.generic)):
        found.update(f"array {value.dtype.str} {value.shape} ".encode())
        found.update(value.tobytes())
    elif value is None or isinstance(value, (bool, int, float, str)):
        told = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else repr(value).encode()
        found.update(f"{type(value).__name__} {len(told)} ".encode() + told)
    elif isinstance(value, (list, tuple, Mapping)):
        found.update(f"{len(value)} parts ".encode())
        for part in value.items() if isinstance(value, Mapping) else value:
            _feed(found, part)
    elif callable(value):
        _feed(found, f"{value.__module__}.{value.__qualname__}")
    else:
        _feed(found, [f"{type(value).__module__}.{type(value).__qualname__}", *sorted(vars(value).items())])


def _parts_of(table: pd.DataFrame | pd.Series) -> tuple:
    columns = table if isinstance(table, pd.DataFrame) else table.to_frame()
    labels = [(index.name, index.tolist()) for index in (columns.columns, columns.index)]
    return *labels, [columns.iloc[:, at].to_numpy() for at in range(columns.shape[1])]


def pack(value) -> bytes:
    """Return a value as bytes: numbers, texts, arrays, frames, and objects that are made of these alone.

    Raises
    ------
    TypeError
        When it holds anything else.
    """
    arrays: list[np.ndarray] = []
    told = np.frombuffer(json.dumps(_tell(value, arrays)).encode(), np.uint8)
    held = io.BytesIO()
    members: dict[str, Any] = {TOLD: told} | {str(at): array for at, array in enumerate(arrays)}
    np.savez(held, **members)
    return held.getvalue()


def _tell(value, arrays: list[np.ndarray]):
    """Return how JSON tells a value; what is an array goes to `arrays`, the same one once."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        at = next((at for at, known in enumerate(arrays) if known is value), len(arrays))
        arrays += [np.asarray(value)] if at == len(arrays) else []
        return {"array" if isinstance(value, np.ndarray) else "number": at}
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return {type(value).__name__: _tell(list(_parts_of(value)), arrays)}
    if type(value) in (list, tuple):
        return {type(value).__name__: [_tell(part, arrays) for part in value]}
    if type(value) is dict:
        return {"dict": [[_tell(name, arrays), _tell(part, arrays)] for name, part in value.items()]}
    fields = value._asdict() if hasattr(value, "_asdict") else vars(value)
    return {"object": type(value).__name__, "fields": _tell(dict(fields), arrays)}


def unpack(held: bytes, kinds: tuple[type, ...] = ()):
    """Return the value that was packed; objects are of these kinds alone, and none of their code runs.

    Raises
    ------
    Exception
        Of any kind, when the bytes are none that `pack` has made.
    """
    with np.load(io.BytesIO(held), allow_pickle=False) as file:
        arrays = {int(name): file[name] for name in file.files if name != TOLD}
        return _made(json.loads(file[TOLD].tobytes()), arrays, {kind.__name__: kind for kind in kinds})


def _made(told, arrays: dict[int, np.ndarray], kinds: dict[str, type]):
    if not isinstance(told, dict):
        return sys.intern(told) if isinstance(told, str) else told  # skops tells whether two texts are one object
    if "object" in told:
        kind, fields = kinds[told["object"]], _made(told["fields"], arrays, kinds)
        if issubclass(kind, tuple):
            return kind(**fields)
        value = object.__new__(kind)
        vars(value).update(fields)
        return value
    [(kind, held)] = told.items()
    if kind in ("array", "number"):
        return arrays[held] if kind == "array" else arrays[held][()]
    if kind in ("DataFrame", "Series"):
        return _table(kind, *_made(held, arrays, kinds))
    if kind == "dict":
        return {_made(name, arrays, kinds): _made(part, arrays, kinds) for name, part in held}
    return {"list": list, "tuple": tuple}[kind](_made(part, arrays, kinds) for part in held)


def _table(kind: str, columns: tuple, index: tuple, values: list) -> pd.DataFrame | pd.Series:
    names, rows = (pd.Index(labels, name=name) for name, labels in (columns, index))
    table = pd.DataFrame(dict(enumerate(values)), index=rows)
    table.columns = names
    return table if kind == "DataFrame" else table.iloc[:, 0]
