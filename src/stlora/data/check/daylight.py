"""Traces that changed clocks leave on a time axis that does not know of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.series import SensorSeries

RULES = (  # zones that change their clocks at different local times
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "America/New_York",  # and all zones of the United States, by their own clocks
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Santiago",
)
_HOUR = pd.Timedelta(hours=1)
_WEEK = pd.Timedelta(days=7)


def daylight(series: SensorSeries) -> dict[str, Any] | None:
    """Which clock the time stamps follow, if they show signs of one that is changed.

    An axis with a time zone tells. One without is taken for the wall clock of one of :data:`RULES` if, at the hours
    that it skips, the whole network is silent and neither before nor after; the rule that explains most is named.

    Returns:
        ``clock``, a zone; ``real_time``, whether the axis is evenly spaced in real time (it has that time zone);
        ``skipped``, the first moments of the hours that clocks skipped; ``repeated``, of those that they showed twice,
        with ``usual``, the network's sum over that hour divided by that a week before and after (about 2 where two
        hours were added up; None where unknown). None if there is no sign.
    """
    if series.time.tz is not None:
        skipped, repeated = _changes(str(series.timezone), series.time.tz_localize(None))
        twice = [{"time": str(hour), "usual": None} for hour in repeated]
        return {"clock": str(series.timezone), "real_time": True, "skipped": list(map(str, skipped)), "repeated": twice}
    if series.num_steps < 2 or series.interval > _HOUR:
        return None
    silent = np.asarray(np.isnan(series.values).all(axis=1))
    best: tuple[int, str] | None = None
    for zone in RULES:
        traces = [_trace(series, silent, hour) for hour in _changes(zone, series.time)[0]]
        score = traces.count(True) - traces.count(False)
        if score > 0 and (best is None or score > best[0]):
            best = (score, zone)
    if best is None:
        return None
    skipped, repeated = _changes(best[1], series.time)
    return {
        "clock": best[1],
        "real_time": False,
        "skipped": [str(hour) for hour in skipped if _trace(series, silent, hour)],
        "repeated": [{"time": str(hour), "usual": _usual(series, hour)} for hour in repeated],
    }


def _changes(zone: str, time: pd.DatetimeIndex) -> tuple[list[pd.Timestamp], list[pd.Timestamp]]:
    """The hours of a period that clocks of a zone skip, and those that they show twice."""
    hours = pd.date_range(time[0].floor("h"), time[-1], freq="h")
    skipped = hours[hours.tz_localize(zone, nonexistent="NaT", ambiguous=np.ones(len(hours), dtype=bool)).isna()]
    repeated = hours[hours.tz_localize(zone, nonexistent="shift_forward", ambiguous="NaT").isna()]
    return list(skipped), list(repeated)


def _steps(series: SensorSeries, start: pd.Timestamp, end: pd.Timestamp) -> slice:
    """The steps from ``start`` to before ``end``."""
    first, last = series.time.searchsorted([start, end])
    return slice(int(first), int(last))


def _trace(series: SensorSeries, silent: NDArray[np.bool_], hour: pd.Timestamp) -> bool | None:
    """Whether the network is silent in an hour; None if it is so before or after too, or the hour is not covered."""
    within = silent[_steps(series, hour, hour + _HOUR)]
    before = silent[_steps(series, hour - _HOUR, hour)]
    after = silent[_steps(series, hour + _HOUR, hour + 2 * _HOUR)]
    if not len(within) or before.all() or after.all():  # all() of nothing is True
        return None
    return bool(within.all())


def _usual(series: SensorSeries, hour: pd.Timestamp) -> float | None:
    """The sum over an hour, divided by the mean of those a week before and after; of sensors observed in all."""
    parts = [series.values[_steps(series, start, start + _HOUR)] for start in (hour, hour - _WEEK, hour + _WEEK)]
    if min(map(len, parts)) == 0 or len({len(part) for part in parts}) > 1:
        return None
    seen = ~np.isnan(np.concatenate(parts)).any(axis=0)
    here, before, after = (float(part[:, seen].sum()) for part in parts)
    return 2 * here / (before + after) if before + after > 0 else None
