"""Time zones: which clock a file's time stamps are on, found by one rule and kept from file to forecast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, timezone, tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.errors import InputError

# One zone for each clock in wide use that is changed twice a year. Time stamps with the UTC offsets of one of them over
# the whole file are taken to be on that clock; zones with the same clock (Europe/Paris and Europe/Berlin) need not be
# told apart.
_CHANGED_CLOCKS = (
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Halifax",
    "America/St_Johns",
    "America/Anchorage",
    "America/Santiago",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Pacific/Auckland",
)


def check_timezone(name: str) -> None:
    """Refuse a name that is no time zone.

    Raises:
        InputError: it is none.
    """
    try:
        pd.Timestamp(0).tz_localize(name)
    except Exception as error:  # zoneinfo answers odd names with several kinds
        raise InputError(f"timezone is {name!r}; expected a name such as Europe/Berlin") from error


def zone_name(zone: tzinfo) -> str:
    """The one name under which a zone is stored and compared: ``Europe/Berlin``, ``UTC`` or ``UTC+02:00``.

    Example:
        >>> zone_name(pd.Timestamp("2024-07-01 00:00+02:00").tz)
        'UTC+02:00'
    """
    offset = zone.utcoffset(None)
    if offset is None:
        return str(getattr(zone, "key", zone))
    return "UTC" if not offset else str(timezone(offset))


def with_offsets(
    instants: pd.DatetimeIndex, offsets: NDArray[np.int64], named: Sequence[str] = ()
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Time stamps that carry UTC offsets, in the zone that these belong to.

    The zone is, in this order: the one that the stamps name; the offset itself where all stamps share it; a zone whose
    clock is changed twice a year and shows every stamp of the file; UTC.

    Args:
        instants: T time stamps in UTC, without zone.
        offsets: ``[T]`` ns, of the clock from UTC.
        named: the zones that the stamps name, if they do.

    Returns:
        The time stamps with their zone, and a note on it.

    Example:
        >>> utc = pd.DatetimeIndex(["2024-07-01 10:00", "2024-12-01 11:00"])
        >>> with_offsets(utc, np.array([2, 1]) * 3_600 * 10**9)[0].tz.key
        'Europe/Berlin'
    """
    utc = instants.tz_localize("UTC")
    distinct = np.unique(offsets)
    if len(set(named)) == 1:
        check_timezone(named[0])
        return utc.tz_convert(named[0]), ()
    if len(distinct) == 1:
        return utc.tz_convert(timezone(timedelta(microseconds=int(distinct[0]) // 1000))), ()
    listed = ", ".join(str(timezone(timedelta(microseconds=int(offset) // 1000))) for offset in distinct[:4])
    for name in _CHANGED_CLOCKS:
        if (_offsets(utc, name) == offsets).all():
            note = (
                f"Time stamps carry the UTC offsets {listed} as clocks in {name} show them; timezone= (--timezone) "
                "gives another zone."
            )
            return utc.tz_convert(name), (note,)
    note = (
        f"Time stamps carry the UTC offsets {listed}, which no one clock known here shows; UTC was taken, timezone= "
        "(--timezone) gives a zone."
    )
    return utc, (note,)


def with_zone(time: pd.DatetimeIndex) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Time stamps that may have a zone, under its one name, and a note on it.

    Example:
        >>> with_zone(pd.date_range("2024-07-01", periods=2, freq="1h", tz="Europe/Berlin"))[1]
        ('Time stamps are in the zone Europe/Berlin.',)
    """
    if time.tz is None:
        return time, ()
    name = zone_name(time.tz)
    return time.tz_convert(name), (f"Time stamps are in the zone {name}.",)


def convert(time: pd.DatetimeIndex, timezone: str) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """The same instants on the clock of another zone, and a note if there was a change.

    Raises:
        InputError: ``timezone`` is no zone.
    """
    check_timezone(timezone)
    assert time.tz is not None
    converted, _ = with_zone(time.tz_convert(timezone))
    before, after = zone_name(time.tz), zone_name(converted.tz)  # type: ignore[arg-type]
    if before == after:
        return converted, ()
    doubt = ""
    if after.startswith(("UTC+", "UTC-")):
        doubt = "; if that clock is changed twice a year, its times are off, and a zone such as Europe/Berlin is needed"
    return converted, (f"Time stamps in {before} were converted to {after}{doubt}.",)


def localize(
    time: pd.DatetimeIndex, values: NDArray[np.float32], timezone: str
) -> tuple[pd.DatetimeIndex, NDArray[np.float32], tuple[str, ...]]:
    """Time stamps without zone, taken for the wall clock of ``timezone``.

    Of the hour that clocks show twice, the row that stands first in the file is the earlier one; a file in falling
    order of time is turned round first. The hour that clocks skip has no rows; rows of it without any value, such as
    a regular grid of local time has, are dropped.

    Args:
        time: T time stamps without time zone.
        values: ``[T, N]``.
        timezone: a name such as Europe/Berlin.

    Returns:
        Time stamps with the zone, the values, and a note on each repair.

    Raises:
        InputError: the zone is unknown, or a row has a value at a time that its clocks never showed.

    Example:
        >>> time = pd.DatetimeIndex(["2024-10-27 02:30", "2024-10-27 02:30"])
        >>> localize(time, np.ones((2, 1), dtype=np.float32), "Europe/Berlin")[0].tz_convert("UTC").hour.tolist()
        [0, 1]
    """
    check_timezone(timezone)
    if (np.diff(time.asi8) < 0).sum() > len(time) / 2:
        time, values = time[::-1], values[::-1]
    local = time.tz_localize(timezone, ambiguous=~time.duplicated(), nonexistent="NaT")
    skipped = np.asarray(local.isna())
    wrong = skipped & ~np.isnan(values).all(axis=1)
    if wrong.any():
        raise InputError(
            f"the row of {time[wrong][0]} has values, and clocks in {timezone} skipped that time; "
            "name the zone that the time stamps are in, or none if its clocks are not changed"
        )
    notes: tuple[str, ...] = (f"Time stamps were taken for the wall clock of {timezone}.",)
    if skipped.any():
        notes += (f"{int(skipped.sum())} rows without values at times that clocks skip were dropped.",)
    return with_zone(local[~skipped])[0], values[~skipped], notes


def _offsets(utc: pd.DatetimeIndex, name: str) -> NDArray[np.int64]:
    """How far the clock of a zone is ahead of UTC at each instant, in ns."""
    return utc.tz_convert(name).tz_localize(None).as_unit("ns").asi8 - utc.as_unit("ns").asi8
