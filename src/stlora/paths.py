"""Paths as people give them: ``~``, places that last, and outputs that must not be inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stlora.errors import InputError

# The options of all verbs that name a file or folder.
OPTIONS = frozenset(
    ("backbone_weights", "data", "folder", "graph", "out", "output", "path", "picture", "root", "run", "runs")
)


# By the ending of an output, the packages that writing it takes.
TABLES: dict[str, tuple[str, ...]] = {".parquet": ("pyarrow",), ".csv": ()}
NETWORKS: dict[str, tuple[str, ...]] = {".pt2": (), ".onnx": ("onnx", "onnxscript", "onnxruntime")}


def check_output(output: str | os.PathLike[str], kinds: Mapping[str, tuple[str, ...]]) -> Path:
    """Refuse an output that cannot be written, before the work is done.

    Args:
        output: the file to write.
        kinds: :data:`TABLES` or :data:`NETWORKS`.

    Raises:
        InputError: its ending is none of these, its folder is missing, or a package is.

    Example:
        >>> check_output("next.csv", TABLES).name
        'next.csv'
    """
    path = Path(expanded(output))
    if path.suffix not in kinds:
        raise InputError(f"the output {path.name} ends in {path.suffix or 'nothing'}; name a {' or '.join(kinds)} file")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} of the output does not exist; make it or choose another")
    lacking = [package for package in kinds[path.suffix] if find_spec(package) is None]
    if lacking:
        other = next(suffix for suffix, packages in kinds.items() if not packages)
        raise InputError(
            f'writing {path.suffix} needs {", ".join(lacking)}; pip install "stlora[{path.suffix[1:]}]", or name a '
            f"{other} file"
        )
    return path


def expanded(path: str | os.PathLike[str]) -> str:
    """A path with the home folder in place of ``~``, as a shell would give it.

    Raises:
        InputError: there is no such home folder.

    Example:
        >>> expanded("runs/a"), expanded("~/a") == os.path.expanduser("~/a")
        ('runs/a', True)
    """
    given = os.fspath(path)
    if not given.startswith("~"):
        return given
    try:
        return str(Path(given).expanduser())
    except RuntimeError as error:
        raise InputError(f"{given} names a home folder that is not known ({error}); give the whole path") from error


def expand_options(options: Any) -> None:
    """Put the home folder in place of ``~`` in all options that name files: the one place where this is done.

    Args:
        options: a dataclass; changed in place. A list of folders may be text with commas.

    Raises:
        InputError: there is no such home folder.
    """
    for name in sorted(OPTIONS & {field.name for field in fields(options)}):
        value = getattr(options, name)
        if isinstance(value, (list, tuple)):
            value = [expanded(one) if isinstance(one, (str, os.PathLike)) else one for one in value]
        elif name == "runs" and isinstance(value, str):
            value = ",".join(expanded(one.strip()) for one in value.split(","))
        elif isinstance(value, (str, os.PathLike)):
            value = expanded(value)
        setattr(options, name, value)


class PathOptions:
    """Options that name files or folders; ``~`` in them is the home folder."""

    def __post_init__(self) -> None:
        expand_options(self)


def lasting(given: str) -> str:
    """A file or folder that is there by its whole path, so that it is found from another folder; a name as it is.

    Example:
        >>> lasting("simulated"), lasting(".") == os.getcwd()
        ('simulated', True)
    """
    from stlora.data.catalogue.entries import find

    entry = find(given)
    is_made = entry is not None and not entry.files  # such a name comes before a file, all others after it
    return given if is_made or not os.path.exists(given) else os.path.abspath(given)


def check_not_input(output: str | Path, inputs: Iterable[str | Path | None]) -> None:
    """Refuse an output that would replace what it is made from.

    Args:
        output: a file or folder to be written; one that is not there yet replaces nothing.
        inputs: files, folders and names of data sets that are read; a file in a folder is an input, too.

    Raises:
        InputError: the output is an input, under whatever name.
    """
    output = Path(output)
    if not output.exists():
        return
    for given in inputs:
        path = None if given is None else _place(str(given))
        if path is None:
            continue
        if output.is_dir() and (output.samefile(path) or _inside(path, output)):
            raise InputError(f"{output} is read, or {path} in it; name another folder to write")
        if path.is_dir() and output.is_file() and (_inside(output, path) or _linked(output, path)):
            raise InputError(f"{output} is a file of {path}, which is read; name another file to write")
        if path.is_file() and output.samefile(path):
            raise InputError(f"{output} is the file that is read; name another one to write")


def _place(given: str) -> Path | None:
    """The file or folder that is read; None where there is none."""
    from stlora.data.catalogue.download import folder_of
    from stlora.data.catalogue.entries import find

    if Path(given).exists():
        return Path(given)
    entry = find(given)
    return None if entry is None or not folder_of(entry).is_dir() else folder_of(entry)


def _inside(file: Path, folder: Path) -> bool:
    return folder.resolve() in file.resolve().parents


def _linked(file: Path, folder: Path) -> bool:
    """Whether a file of the folder is the same one by another name."""
    there = file.stat()
    if there.st_nlink == 1:
        return False
    return any(path.is_file() and os.path.samestat(path.stat(), there) for path in folder.rglob("*"))
