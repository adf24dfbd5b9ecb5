"""Münster's monthly files of counts, joined to one table."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pandas as pd

from stlora.errors import InputError
from stlora.files import write_atomically

_ARCHIVE, _COUNTS = "radverkehr-zaehlstellen.zip", "counts.csv"
_MONTHS = ("2024-02", "2026-07")
_MONTH_FILE = re.compile(r"[^/]+/(?P<site>\d{9})/(?P<month>\d{4}-\d\d)\.csv")
_TIME = "Datetime"


def assemble(folder: Path) -> None:
    """Write ``counts.csv``, one column per channel, from the archive of the city's repository in ``folder``.

    Of a site its first two channels are taken, one per direction, under the ids that they had in the first month;
    the others split or repeat them, or count cars. A quarter of an hour that no file has stays empty.

    Raises:
        InputError: the archive cannot be read or lacks what it should hold.
    """
    if any((folder / name).is_file() for name in (_COUNTS, "counts.parquet")):
        return
    try:
        counts = _join(folder / _ARCHIVE)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder / _ARCHIVE} cannot be read ({error}); remove it and get it again") from error
    write_atomically(folder / _COUNTS, lambda path: counts.to_csv(path, index_label="time", float_format="%.0f"))


def _join(archive: Path) -> pd.DataFrame:
    sites: dict[str, list[pd.DataFrame]] = {}
    with zipfile.ZipFile(archive) as content:
        for name in sorted(content.namelist()):
            found = _MONTH_FILE.fullmatch(name)
            if found and _MONTHS[0] <= found["month"] <= _MONTHS[1]:
                months = sites.setdefault(found["site"], [])
                with content.open(name) as file:
                    table = pd.read_csv(file, index_col=_TIME)
                table.columns = [str(column).partition(" ")[0] for column in table.columns]
                table.index = pd.to_datetime(table.index, format="%Y-%m-%d %H:%M")
                wanted = months[0].columns if months else table.columns[1:3]  # the site's sum stands before them
                months.append(table[wanted])
    if not sites:
        raise ValueError("it holds no monthly files")
    joined = pd.concat([pd.concat(months) for months in sites.values()], axis=1, sort=True)
    end = pd.Timestamp(_MONTHS[1]) + pd.offsets.MonthEnd() + pd.Timedelta("23:45:00")
    return joined.reindex(pd.date_range(_MONTHS[0], end, freq="15min"))
