"""What a report shows: plain numbers and text, so that the page knows neither models nor runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.evaluation.rows import Row, percent


@dataclass(frozen=True, eq=False)
class NodeErrors:
    """The MAE of each sensor, backbone alone and adapted.

    Attributes:
        node_ids: the N sensors.
        alone: ``[N]`` MAE of the backbone alone, in the data's unit; NaN where nothing was observed.
        adapted: ``[N]`` MAE with the adapter, likewise.
        coordinates: ``[N, 2]`` latitude and longitude in degrees; or None.
    """

    node_ids: tuple[str, ...]
    alone: NDArray[np.float64]
    adapted: NDArray[np.float64]
    coordinates: NDArray[np.float64] | None = None

    @property
    def change(self) -> NDArray[np.float64]:
        """``[N]`` change of the MAE in percent, negative where the adapter helped; NaN where there is none.

        Example:
            >>> NodeErrors(("a", "b"), np.array([4.0, np.nan]), np.array([3.0, np.nan])).change.tolist()
            [-25.0, nan]
        """
        ratio = np.full(len(self.alone), np.nan)
        np.divide(self.adapted, self.alone, out=ratio, where=self.alone > 0)
        return 100 * (ratio - 1)


@dataclass(frozen=True, eq=False)
class ForecastExample:
    """Truth and forecasts of one sensor over a short time, always the same number of steps ahead.

    Attributes:
        node_id: the sensor.
        time: the P time stamps that were forecast.
        truth: ``[P]`` what was measured, in the data's unit; NaN where nothing was.
        alone: ``[P]`` forecast of the backbone alone.
        adapted: ``[P]`` forecast with the adapter.
        step: steps ahead.
        change: of the sensor's MAE over all steps of the split, in percent; NaN where there is none.
        why: the sensor is drawn, in a word or two; empty where it was asked for.
    """

    node_id: str
    time: pd.DatetimeIndex
    truth: NDArray[np.float64]
    alone: NDArray[np.float64]
    adapted: NDArray[np.float64]
    step: int
    change: float
    why: str = ""


@dataclass(frozen=True, eq=False)
class SensorGroups:
    """Sensors by their kind, what they measure, and what an adapter made of them.

    Attributes:
        kinds: of each of the N sensors: the true ones of a simulated network, or groups that were found.
        profiles: ``[N, S]`` what each measures through the days, relative to itself.
        similarity: ``[N, N]`` cosine similarity of the sensors' own weights, the mean over sensors taken off.
        days: that the profiles cover: a week that begins on Monday, or one day.
    """

    kinds: tuple[str, ...]
    profiles: NDArray[np.floating]
    similarity: NDArray[np.float64]
    days: int = 7


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything that stands on the page.

    Attributes:
        title: of the page.
        summary: what was compared, in a sentence or two.
        rows: of the table.
        alone: name of the row that is the backbone alone, as :func:`row_name` gives it.
        adapted: name of the row that the figures of single sensors compare with it.
        unit: of the data; empty if unknown.
        interval: between two steps.
        nodes: errors of single sensors.
        examples: forecasts beside truth, a sensor each.
        protocol: names and values that repeat the experiment.
        truth: of a simulated network; None for real data.
    """

    title: str
    summary: str
    rows: Sequence[Row]
    alone: str
    adapted: str
    unit: str
    interval: pd.Timedelta
    nodes: NodeErrors
    examples: tuple[ForecastExample, ...]
    protocol: tuple[tuple[str, str], ...]
    truth: SensorGroups | None = None


def row_name(backbone: str, adapter: str) -> str:
    """What a row of the table is called.

    Example:
        >>> row_name("lstm", "none"), row_name("lstm", "stlora")
        ('lstm', 'lstm + stlora')
    """
    return backbone if adapter == "none" else f"{backbone} + {adapter}"


def span(duration: pd.Timedelta) -> str:
    """A duration in words.

    Example:
        >>> [span(pd.Timedelta(text)) for text in ("15min", "3h", "90min", "45s", "1D")]
        ['15 min', '3 h', '1.5 h', '45 s', '24 h']
    """
    seconds = duration.total_seconds()
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def change_text(before: float, after: float) -> str:
    """The change of an error in percent; – where there was none to begin with.

    Example:
        >>> change_text(4.0, 3.0), change_text(0.0, 1.0)
        ('−25.0 %', '–')
    """
    change = percent(after, before)
    return "–" if change is None else f"{signed(change)} %"


def signed(value: float, digits: int = 1) -> str:
    """A change with its sign, the minus as long as the plus.

    Example:
        >>> signed(-12.44)
        '−12.4'
    """
    return f"{value:+.{digits}f}".replace("-", "−")
