"""Runs with one number of threads, kept beside those with another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stlora.files import read_json, write_json, write_text

Found = Mapping[str, Any]


def kept(result: Path, threads: int) -> dict[str, Any]:
    """The run with as many threads that is there, to measure a part of it anew; empty if there is none."""
    return _all_kept(result).get(str(threads), {})


def keep(result: Path, common: Found, threads: int, run: Found, page: Callable[[Found], str]) -> None:
    """Write ``.json`` and ``.md``: what all runs have in common, this run, and those with other numbers of threads."""
    every = _all_kept(result) | {str(threads): run}
    found = {**common, "threads": {number: every[number] for number in sorted(every, key=int)}}
    write_json(result.with_suffix(".json"), found)
    write_text(result.with_suffix(".md"), page(found))


def runs(found: Found) -> dict[str, dict[str, Any]]:
    """By number of threads, each run together with what all have in common."""
    common = {name: value for name, value in found.items() if name != "threads"}
    return {threads: common | run for threads, run in found["threads"].items()}


def time_of(threads: str) -> str:
    """What ``turns.seconds`` counts on a processor."""
    return "processor time" if threads == "1" else "time of the clock"


def _all_kept(result: Path) -> dict[str, Any]:
    file = result.with_suffix(".json")
    return read_json(file)["threads"] if file.exists() else {}
