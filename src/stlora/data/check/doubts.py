"""What may be no measurement: values that stand for missing ones (9999, -999, -1), and readings of meters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stlora.data.mapped import row_chunks
from stlora.data.series import SensorSeries

_NINES = [float("9" * digits) for digits in range(2, 9)]
_FULL = [2.0**bits - 1 for bits in (7, 8, 10, 12, 15, 16, 24, 31, 32)]  # all bits set, with and without a sign
_LOGGERS = [888.0, 8888.0, 6999.0, 7999.0, 1e10, 1e15, 1e20, 1e30, 1e35, 1e36, 9.96921e36, 1e37, 1e38]
_LARGEST = [float(np.finfo(np.float32).max), 3.4e38, 1.7e38]
_ALIKE = [*_NINES, 999.9, 9999.9, *_LOGGERS, *_LARGEST]  # with either sign
TYPICAL = np.unique(
    np.array(_ALIKE + [-v for v in _ALIKE] + _FULL + [-1, -2, -9, -(2.0**15), -(2.0**31)], dtype=np.float32)
)
"""Values that are often written in place of a missing one."""

_SAMPLE = 2048  # rows that tell which sensors are to be looked at closely
_FAR = 3  # times the extent of all other values
_REPEATED, _VARIED = 3, 20  # of a value that is not typical, and different values beside it
_KINDS = 4  # sentinels of one sensor
_WHOLE = 2**27  # values that are all looked at while reading
_RISES, _RESETS = 100, 0.05  # of a meter: steps up, and falls to zero for each of them


@dataclass(frozen=True, eq=False)
class Sentinel:
    """A value that seems to stand for missing ones.

    Attributes:
        value: as it is in the series.
        columns: the positions of the sensors that have it.
        counts: how often each of them has it.
    """

    value: float
    columns: tuple[int, ...]
    counts: tuple[int, ...]


def sentinels(series: SensorSeries) -> list[Sentinel]:
    """The values that seem to stand for missing ones, the most frequent first.

    Such a value is the largest or the smallest of a sensor and far from all others: by more than their extent, if it is
    typical (:data:`TYPICAL`), and by more than three times that, if it is any value that is repeated. The only
    negative values of a network are such too, if they are typical or one value repeated. Zero never is.

    Example:
        >>> import pandas as pd
        >>> values = np.arange(48.0).reshape(24, 2)
        >>> values[3:5, 1] = -999
        >>> series = SensorSeries(values, pd.date_range("2024-01-01", periods=24, freq="1h"), ("a", "b"))
        >>> sentinels(series)
        [Sentinel(value=-999.0, columns=(1,), counts=(2,))]
    """
    values = series.values
    low, high = _extremes(values)
    inner_low, inner_high = _inner(values, low, high)
    extent = inner_high - inner_low
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = np.isin(low, TYPICAL) | np.isin(high, TYPICAL)
        suspect |= (inner_low - low > _FAR * extent) | (high - inner_high > _FAR * extent)
        suspect |= (low < 0) & ~(inner_low < 0)
    positive = not (low[~suspect] < 0).any()
    usual = _Usual(*(_median(bound) for bound in (inner_low, inner_high, extent)))
    found: dict[float, dict[int, int]] = defaultdict(dict)
    negative: list[tuple[float, int]] = []
    for column in np.flatnonzero(suspect):
        own = np.concatenate([values[rows, column] for rows in row_chunks(values)])
        far, rest = _far(own[~np.isnan(own)], usual)
        below = _below_zero(rest)
        for value, count in (far | below).items():
            found[value][int(column)] = count
        negative += [(value, int(column)) for value in below]
        positive &= bool(below) or not (rest < 0).any()
    if not positive:  # values below zero are measured here
        for value, position in negative:
            del found[value][position]
    list_ = [Sentinel(v, tuple(at), tuple(at.values())) for v, at in found.items() if at]
    return sorted(list_, key=lambda sentinel: (-sum(sentinel.counts), sentinel.value))


@dataclass(frozen=True)
class _Usual:
    """Of the sensors of the network, their medians: smallest and largest value, and the extent between."""

    low: float
    high: float
    extent: float


def _median(of_sensors: NDArray[np.float32]) -> float:
    known = of_sensors[~np.isnan(of_sensors)]
    return float(np.median(known)) if len(known) else np.nan


def _extremes(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The smallest and the largest value of each sensor, ``[N]``; NaN if it was never observed."""
    low = high = np.full(values.shape[1], np.nan, dtype=np.float32)
    for rows in row_chunks(values):
        low = np.fmin(low, np.fmin.reduce(values[rows], axis=0))
        high = np.fmax(high, np.fmax.reduce(values[rows], axis=0))
    return low, high


def _inner(
    values: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same of a sample of rows, without the extremes themselves."""
    rows = slice(None)
    if len(values) > _SAMPLE:  # spread evenly, but at all times of the day
        rows = np.unique((np.arange(_SAMPLE) * 0.6180339887 % 1 * len(values)).astype(np.intp))  # type: ignore[assignment]
    sample = values[rows]
    inner = np.where((sample == low) | (sample == high), np.float32(np.nan), sample)
    return np.fmin.reduce(inner, axis=0), np.fmax.reduce(inner, axis=0)


def _far(values: NDArray[np.float32], usual: _Usual) -> tuple[dict[float, int], NDArray[np.float32]]:
    """The sentinels far from the other values of a sensor, how often each is there, and what is left without them."""
    found: dict[float, int] = {}
    while len(values) and len(found) < _KINDS:
        ends = sorted({float(values.min()), float(values.max())}, key=abs, reverse=True)
        for end in ends:
            rest = values[values != end]
            if end and _is_far(end, rest, len(values) - len(rest), usual):
                found[end], values = len(values) - len(rest), rest
                break
        else:
            break
    return found, values


def _is_far(value: float, rest: NDArray[np.float32], count: int, usual: _Usual) -> bool:
    typical = bool(np.isin(np.float32(value), TYPICAL))
    low, high = (float(rest.min()), float(rest.max())) if len(rest) else (usual.low, usual.high)
    extent = high - low
    gap = max(low - value, value - high)
    varied = len(np.unique(rest[:_SAMPLE])) > _VARIED
    if not varied and usual.extent > extent:  # a sensor that rarely changes does not tell what is far
        extent = usual.extent
    if not typical:
        return varied and count >= _REPEATED and gap > _FAR * extent > 0
    if gap > extent > 0:
        return count > 1 or value < 0 or value >= 999  # 99 may well be measured once
    if not varied or abs(value) < 99 or count < 5 or gap <= 0:
        return False
    near = int((rest * np.sign(value) > 0.75 * abs(value)).sum())
    return count >= 5 * near  # it is there far more often than all that comes near it


def _below_zero(values: NDArray[np.float32]) -> dict[float, int]:
    """Negative values of a sensor that may be sentinels if it has no others."""
    below, counts = np.unique(values[values < 0], return_counts=True)
    above = values[values >= 0]
    if not 0 < len(below) <= _KINDS or not len(above):
        return {}
    if not np.isin(below, TYPICAL).all() and not (len(below) == 1 and counts[0] >= _REPEATED):
        return {}
    degrees = [int(counts[-1]), *((above >= i).sum() - (above >= i + 1).sum() for i in range(3))]
    if below[-1] == -1 and len(below) == 1 and degrees == sorted(degrees):  # the cold end of a temperature
        return {}
    return {float(value): int(count) for value, count in zip(below, counts, strict=True)}


def cumulative(series: SensorSeries) -> NDArray[np.bool_]:
    """Which sensors only rise, ``[N]``: as meters do that count on and on, or that begin again at zero now and then."""
    earlier, later = series.values[: _SAMPLE - 1], series.values[1:_SAMPLE]
    earlier = earlier[: len(later)]
    down, up = (later < earlier).sum(axis=0), (later > earlier).sum(axis=0)
    chosen: NDArray[np.bool_] = down <= 1 + _RESETS * up
    for column in np.flatnonzero(chosen):
        chosen[column] = _only_rises(np.asarray(series.values[:, column]))
    return chosen


def _only_rises(values: NDArray[np.float32]) -> bool:
    values = values[~np.isnan(values)].astype(np.float64)
    change = np.diff(values)
    down = np.flatnonzero(change < 0)
    rises = int((change > 0).sum())
    return (
        rises >= _RISES
        and len(down) <= _RESETS * rises
        and bool((np.abs(values[down + 1]) <= 0.1 * np.abs(values[down])).all())
    )


def with_doubts(series: SensorSeries) -> SensorSeries:
    """A series with notes on what may be no measurement, in words that leave it to whoever knows.

    Example:
        >>> import pandas as pd
        >>> values = np.where(np.arange(48) == 7, 32767, np.arange(48) % 24)[:, None]
        >>> series = SensorSeries(values, pd.date_range("2024-01-01", periods=48, freq="1h"), ("a",))
        >>> with_doubts(series).notes
        ('Kept as measured: 32767 (1 value at 1 sensor); empty the cells if it stands for missing values.',)
    """
    notes = list(series.notes)
    every = -(-series.values.size // _WHOLE)
    part, where = series, ""
    if every > 1:  # so much is not read to the end for this
        part = replace(series, values=np.array(series.values[::every]), time=series.time[::every])
        where = f" in every {every}th step"
    if found := sentinels(part):
        them = "they stand" if len(found) > 1 else "it stands"
        notes.append(f"Kept as measured{where}: {told(found)}; empty the cells if {them} for missing values.")
    if rising := np.flatnonzero(cumulative(part)).tolist():
        some = f"{len(rising)} of {series.num_nodes} sensors only rise (first: {series.node_ids[rising[0]]!r})"
        notes.append(f"{some}; if they are readings of meters, give what was counted in each step.")
    return replace(series, notes=tuple(dict.fromkeys(notes)))


def told(found: list[Sentinel]) -> str:
    """Sentinels in words, the first five."""
    words = [
        f"{sentinel.value:.9g} ({_number(sum(sentinel.counts), 'value')} at {_number(len(sentinel.columns), 'sensor')})"
        for sentinel in found[:5]
    ]
    return ", ".join(words) + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'' if count == 1 else 's'}"
