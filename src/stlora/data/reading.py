"""A later file of a network, read as the data of its run were: one clock, one meaning of zero, one unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from stlora.data.series import SensorSeries
from stlora.data.time.axis import regular
from stlora.data.time.zones import check_timezone, zone_name
from stlora.errors import InputError


def read_as(series: SensorSeries, timezone: str | None, zero_is_missing: bool, unit: str) -> SensorSeries:
    """A series as a run reads it, with a note on each change.

    Args:
        series: measurements of the same network.
        timezone: of the run's data; None if it was not known.
        zero_is_missing: whether zeros stand for missing values in the run's data; and here, unless the series says that
            they do not.
        unit: of the run's data; "" if it was not known.

    Raises:
        InputError: the series cannot be put on the run's clock, or is in another unit.

    Example:
        >>> time = pd.date_range("2024-07-01 06:00", periods=2, freq="1h", tz="UTC")
        >>> read_as(SensorSeries(np.ones((2, 1)), time, ("a",)), "Europe/Berlin", False, "").time[0].hour
        8
    """
    if unit and series.unit and unit != series.unit:
        raise InputError(
            f"{series.name} is in {series.unit} and the run's data are in {unit}; give measurements in {unit}"
        )
    if timezone is not None:
        series = in_zone(series, timezone)
    elif series.timezone is not None:
        raise InputError(
            f"the time stamps of {series.name} are in the zone {series.timezone} and the clock of the run's data is "
            "not known; name that clock with --timezone (in Python, give time stamps without zone)"
        )
    return mask_zeros(series) if zero_is_missing and series.zero_is_missing is None else series


def in_zone(series: SensorSeries, timezone: str) -> SensorSeries:
    """A series with its time stamps on the clock of a zone.

    Time stamps without zone are taken for that clock; those with one are converted.

    Raises:
        InputError: ``timezone`` is no zone, or the steps are even by the clock of another zone.
    """
    check_timezone(timezone)
    name = zone_name(pd.Timestamp(0).tz_localize(timezone).tz)  # type: ignore[arg-type]
    if series.timezone == name:
        return series
    if series.timezone is not None and series.time.tz is None:
        raise InputError(
            f"{series.name} has steps of {series.interval} by the clock of {series.timezone}, which cannot be "
            f"converted to {name}; give time stamps of {name}"
        )
    axis = regular(series.time, series.values, name)
    return replace(
        series, values=axis.values, time=axis.time, timezone=axis.timezone, notes=(*series.notes, *axis.notes)
    )


def on_clock(series: SensorSeries, timezone: str) -> SensorSeries:
    """A series with what clocks in a zone show as its time stamps, without zone.

    Raises:
        InputError: as :func:`in_zone`; or clocks are changed within the period, so that the steps would not be even.
    """
    series = in_zone(series, timezone)
    shown = series.time.tz_localize(None)
    if len(np.unique(np.diff(shown.asi8))) > 1:
        raise InputError(
            f"clocks in {timezone} are changed between {series.time[0]} and {series.time[-1]}, and the run's data know "
            "no zone; give a shorter period, or fit the run again with --timezone"
        )
    return replace(series, time=shown, timezone=None)


def mask_zeros(series: SensorSeries) -> SensorSeries:
    """A series whose zeros are missing values.

    Example:
        >>> time = pd.date_range("2024-07-01", periods=2, freq="1h")
        >>> mask_zeros(SensorSeries(np.array([[0.0], [2.0]]), time, ("a",))).values.tolist()
        [[nan], [2.0]]
    """
    zeros = series.values == 0
    if not zeros.any():
        return replace(series, zero_is_missing=True)
    note = f"{int(zeros.sum())} zeros were taken as missing values; zero_is_missing=False keeps them."
    values = np.where(zeros, np.float32(np.nan), series.values)
    return replace(series, values=values, zero_is_missing=True, notes=(*series.notes, note))
