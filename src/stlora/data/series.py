"""What a sensor network measured: the one data type that every reader returns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stlora.data.mapped import row_chunks
from stlora.data.time.zones import zone_name
from stlora.errors import InputError


@dataclass(frozen=True, eq=False)
class SensorSeries:
    """Measurements of N sensors on a regular time grid of T steps.

    Attributes:
        values: ``[T, N]`` float32, in physical units; NaN where nothing was observed. A float32 array is taken as it
            is, without a copy; a memory-mapped one stays on disk.
        time: the T time stamps, strictly increasing and evenly spaced.
        node_ids: the N sensor names, in the order of the columns of ``values``.
        adjacency: ``[N, N]`` float32 edge weights, row = from, column = to; or None.
        coordinates: ``[N, 2]`` latitude and longitude in degrees; or None.
        unit: the unit of ``values``, for labels.
        name: a short name, for tables.
        timezone: of the clock that made the time stamps, such as Europe/Berlin, where it is known. Time stamps
            with a zone give it themselves. Steps that are even by a clock that is changed, such as days, have none.
        zero_is_missing: whether zeros were taken for missing values; None where nothing says what they mean.
        day_first: whether days stood before months in the time stamps of its file, where months might have.
        notes: what was repaired or assumed while reading, a sentence each.

    Raises:
        InputError: shapes, time axis, node ids or graph do not fit together.

    Example:
        >>> import numpy as np, pandas as pd
        >>> series = SensorSeries(
        ...     values=np.array([[30.0, 41.0], [np.nan, 40.0], [28.0, 39.0]]),
        ...     time=pd.date_range("2024-01-01", periods=3, freq="5min"),
        ...     node_ids=("a", "b"),
        ... )
        >>> series.observed.tolist()
        [[True, True], [False, True], [True, True]]
        >>> series.select(nodes=["b"]).values[:, 0].tolist()
        [41.0, 40.0, 39.0]
    """

    values: NDArray[np.float32]
    time: pd.DatetimeIndex
    node_ids: tuple[str, ...]
    adjacency: NDArray[np.float32] | None = None
    coordinates: NDArray[np.float64] | None = None
    unit: str = ""
    name: str = "series"
    timezone: str | None = None
    zero_is_missing: bool | None = None
    day_first: bool | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float32)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "node_ids", tuple(str(node) for node in self.node_ids))
        if values.ndim != 2 or 0 in values.shape:
            raise InputError(f"values have shape {values.shape}; expected [T, N] with at least one step and sensor")
        steps, nodes = values.shape
        if len(self.time) != steps:
            raise InputError(f"{len(self.time)} time stamps for {steps} rows of values; give one time stamp a row")
        if len(self.node_ids) != nodes:
            raise InputError(f"{len(self.node_ids)} node ids for {nodes} columns of values; give one id a column")
        if len(set(self.node_ids)) != nodes:
            twice = next(node for node in self.node_ids if self.node_ids.count(node) > 1)
            raise InputError(f"node id {twice!r} appears more than once; node ids must be unique")
        if any(np.isinf(values[rows]).any() for rows in row_chunks(values)):
            raise InputError("values contain infinities; mark missing values as NaN")
        self._check_time()
        self._check_graph()

    def _check_time(self) -> None:
        if self.time.tz is not None:
            object.__setattr__(self, "timezone", zone_name(self.time.tz))
        if self.time.hasnans:
            raise InputError("the time axis contains empty time stamps; every row needs one")
        if len(self.time) < 2:
            return
        steps = np.unique(np.diff(self.time.asi8))
        if len(steps) != 1 or steps[0] <= 0:
            raise InputError(
                "the time axis is not evenly increasing; load the file with load_series, which repairs or explains it"
            )

    def _check_graph(self) -> None:
        nodes = self.num_nodes
        if self.adjacency is not None:
            adjacency = np.asarray(self.adjacency, dtype=np.float32)
            object.__setattr__(self, "adjacency", adjacency)
            if adjacency.shape != (nodes, nodes):
                raise InputError(f"the graph is {adjacency.shape} for {nodes} sensors; expected [{nodes}, {nodes}]")
            if not np.isfinite(adjacency).all() or (adjacency < 0).any():
                raise InputError("the graph has negative or non-finite weights; expected weights of 0 or more")
        if self.coordinates is not None:
            coordinates = np.asarray(self.coordinates, dtype=np.float64)
            object.__setattr__(self, "coordinates", coordinates)
            if coordinates.shape != (nodes, 2):
                raise InputError(f"coordinates are {coordinates.shape} for {nodes} sensors; expected [{nodes}, 2]")

    @classmethod
    def from_dataframe(cls, frame: pd.DataFrame, **options: Any) -> SensorSeries:
        """A series of a pandas data frame, repaired as files are (see ``notes``).

        Args:
            frame: wide (a time index or time column, one column per sensor), or long (columns, or index levels, for
                time, sensor and value).
            **options: ``channel``, ``columns``, ``decimal`` and ``day_first`` of :func:`stlora.data.load_series`;
                ``adjacency`` ``[N, N]`` and ``coordinates`` ``[N, 2]`` in the order of the columns, or of the sensors'
                names; ``unit``; ``name``.

        Raises:
            InputError: there are no times or no numbers, or the parts do not fit together.

        Example:
            >>> time = pd.to_datetime(["2024-01-01 00:00", "2024-01-01 00:00", "2024-01-01 00:05"])
            >>> frame = pd.DataFrame({"time": time, "sensor": ["a", "b", "a"], "flow": [3.0, 5.0, 4.0]})
            >>> SensorSeries.from_dataframe(frame).values.tolist()
            [[3.0, 5.0], [4.0, nan]]
        """
        from stlora.data.from_python import of_dataframe

        if not isinstance(frame, pd.DataFrame):
            raise InputError(
                f"the frame is a {type(frame).__name__}; expected a pandas DataFrame; a file is read with load_series"
            )

        return cls(**of_dataframe(frame, **options))

    @classmethod
    def from_numpy(
        cls, values: ArrayLike, start: str | pd.Timestamp, interval: str | pd.Timedelta, **options: Any
    ) -> SensorSeries:
        """A series of an array whose rows are evenly spaced.

        Args:
            values: ``[T, N]`` in physical units, NaN where nothing was observed.
            start: the time of the first row.
            interval: between two rows.
            **options: ``node_ids``, 0, 1, 2 and so on by default; ``adjacency`` ``[N, N]``; ``coordinates``
                ``[N, 2]``; ``unit``; ``name``.

        Raises:
            InputError: the values are no numbers ``[T, N]``, or the parts do not fit together.

        Example:
            >>> SensorSeries.from_numpy([[3, 5], [4, 6]], "2024-01-01", "15min").time[1]
            Timestamp('2024-01-01 00:15:00')
        """
        from stlora.data.from_python import of_numpy

        return cls(**of_numpy(values, start, interval, **options))

    @property
    def num_steps(self) -> int:
        """T, the number of time steps."""
        return int(self.values.shape[0])

    @property
    def num_nodes(self) -> int:
        """N, the number of sensors."""
        return int(self.values.shape[1])

    @cached_property
    def observed(self) -> NDArray[np.bool_]:
        """``[T, N]``, True where a value was observed; a quarter of the memory of ``values``, kept once asked for."""
        return ~np.isnan(self.values)

    @property
    def interval(self) -> pd.Timedelta:
        """Time between two steps.

        Raises:
            InputError: the series has a single step, so no interval.
        """
        if self.num_steps < 2:
            raise InputError("a series of one time step has no interval; give at least two steps")
        return pd.Timedelta(self.time[1] - self.time[0])

    def select(
        self,
        nodes: Sequence[str] | None = None,
        start: str | pd.Timestamp | None = None,
        end: str | pd.Timestamp | None = None,
        max_missing: float | None = None,
    ) -> SensorSeries:
        """A part of the network: some sensors, some period.

        A period alone is a view of the same values; chosen sensors are copied, those columns and no others.

        Args:
            nodes: ids to keep, in the order wanted; all if None.
            start: first time stamp to keep; by the clock of the series if it has no zone itself.
            end: last time stamp to keep; a date without time of day means the whole day.
            max_missing: keep sensors whose share of missing values in the period is at most this; the option of that
                name of ``fit`` and ``compare`` looks at the training part of the period alone.

        Raises:
            InputError: an id is unknown, a time cannot be read, ``max_missing`` is no share, or nothing is left.
        """
        rows = slice(
            0 if start is None else int(self.time.searchsorted(self._bound("start", start))),
            None if end is None else int(self.time.searchsorted(self._bound("end", end), side="right")),
        )
        values = self.values[rows]
        columns = np.arange(self.num_nodes)
        if nodes is not None:
            position = {node: i for i, node in enumerate(self.node_ids)}
            unknown = [node for node in nodes if node not in position]
            if unknown:
                raise InputError(
                    f"{len(unknown)} of {len(nodes)} node ids are not in {self.name} (first: {unknown[0]!r}); "
                    f"it has {self.num_nodes} sensors such as {self.node_ids[0]!r}; one that sends "
                    "nothing may be an empty column"
                )
            columns = np.array([position[node] for node in nodes], dtype=np.intp)
        if max_missing is not None:
            columns = columns[observed_enough(values, max_missing)[columns]]
        if len(values) == 0 or len(columns) == 0:
            raise InputError(
                f"nothing is left of {self.name}: {len(values)} steps and {len(columns)} sensors match; "
                f"it covers {self.time[0]} to {self.time[-1]} with {self.num_nodes} sensors"
            )
        if np.array_equal(columns, np.arange(self.num_nodes)):
            return replace(self, values=values, time=self.time[rows])
        return replace(
            self,
            values=_columns(values, columns),
            time=self.time[rows],
            node_ids=tuple(self.node_ids[i] for i in columns),
            adjacency=None if self.adjacency is None else self.adjacency[np.ix_(columns, columns)],
            coordinates=None if self.coordinates is None else self.coordinates[columns],
        )

    def _bound(self, name: Literal["start", "end"], given: str | pd.Timestamp) -> pd.Timestamp:
        """The first or last moment of the time that was given."""
        first = name == "start"
        try:
            moment = pd.Timestamp(given)
            if isinstance(given, str) and not pd.isna(moment) and moment.tz is None:  # a day or a month is all of it
                period = pd.Period(given)
                moment = period.start_time if first else period.end_time
        except ValueError:
            moment = None
        if moment is None or pd.isna(moment):
            raise InputError(f"{name} is {given!r}; expected a time such as 2024-01-31 or 2024-01-31 00:05")
        if (moment.tz is None) == (self.time.tz is None):
            return moment
        if self.time.tz is None:
            raise InputError(f"{name} is {given!r}, and {self.name} knows no time zone; give a time without UTC offset")
        # an hour that clocks show twice is meant whole, one that they skip is where they go on or stop
        return moment.tz_localize(
            self.time.tz, ambiguous=first, nonexistent="shift_forward" if first else "shift_backward"
        )

    def fingerprint(self) -> str:
        """A SHA-256 over values, time with its zone, node ids and graph: equal data, equal fingerprint.

        Example:
            >>> import numpy as np, pandas as pd
            >>> time = pd.date_range("2024-01-01", periods=2, freq="1h")
            >>> SensorSeries(np.ones((2, 1)), time, ("a",)).fingerprint()[:12]
            'd0bb08568870'
        """
        digest = hashlib.sha256()
        for rows in row_chunks(self.values):
            digest.update(digestible(self.values[rows]))
        return finish_digest(digest, self.time, self.node_ids, self.adjacency)


def digestible(values: NDArray[np.float32]) -> bytes:
    """The bytes of values that go into a fingerprint: all ways to write NaN are one."""
    return np.ascontiguousarray(np.nan_to_num(values, nan=-1e30)).tobytes()


def finish_digest(
    digest: hashlib._Hash, time: pd.DatetimeIndex, node_ids: Sequence[str], adjacency: NDArray[np.float32] | None
) -> str:
    """The fingerprint, when all values are in ``digest``."""
    digest.update(time.as_unit("ns").asi8.tobytes())
    if time.tz is not None:  # what clocks show is part of what a model sees
        digest.update(zone_name(time.tz).encode())
    digest.update("\0".join(node_ids).encode())
    if adjacency is not None:
        digest.update(np.ascontiguousarray(adjacency).tobytes())
    return digest.hexdigest()


def observed_share(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of the steps at which each sensor of ``[T, N]`` was observed: ``[N]``.

    Example:
        >>> observed_share(np.array([[1, np.nan], [2, 3]], dtype=np.float32)).tolist()
        [1.0, 0.5]
    """
    observed = np.zeros(values.shape[1], dtype=np.int64)
    for rows in row_chunks(values):
        observed += (~np.isnan(values[rows])).sum(axis=0)
    return observed / max(1, len(values))


def observed_enough(values: NDArray[np.float32], max_missing: float) -> NDArray[np.bool_]:
    """Which sensors of ``[T, N]`` miss at most a share of the steps: ``[N]``.

    Raises:
        InputError: it is no share.
    """
    if not 0 <= max_missing <= 1:
        raise InputError(f"max_missing is {max_missing}; expected a share from 0 to 1, such as 0.35")
    enough: NDArray[np.bool_] = 1.0 - observed_share(values) <= max_missing
    return enough


def _columns(values: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.float32]:
    """Some columns of ``[T, N]``, copied a part at a time so that the others need not be in memory."""
    chosen = np.empty((len(values), len(columns)), dtype=np.float32)
    for rows in row_chunks(values):
        np.take(values[rows], columns, axis=1, out=chosen[rows])
    return chosen
