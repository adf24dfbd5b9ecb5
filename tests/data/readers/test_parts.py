"""Parts of one table put together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlora.data.readers.parts import join
from stlora.data.readers.table import Table
from stlora.errors import InputError


def table(start: str, values: list[list[float]], node_ids: str, **more: object) -> Table:
    time = pd.date_range(start, periods=len(values), freq="1h", tz=more.pop("tz", None))
    return Table(np.array(values, dtype=np.float32), time, tuple(node_ids), **more)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=8),
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.randoms(),
)
def test_parts_of_a_table_make_it_again(rows: list[int], columns: list[int], random: object) -> None:
    values = np.arange(len(rows) * len(columns), dtype=np.float32).reshape(len(rows), len(columns))
    time = pd.date_range("2024-01-01", periods=len(rows), freq="1h")
    names = np.array([f"n{i}" for i in range(len(columns))])
    parts = []
    for row in sorted({*rows}):
        for column in sorted({*columns}):
            here = np.ix_(np.array(rows) == row, np.array(columns) == column)
            parts.append(Table(values[here], time[np.array(rows) == row], tuple(names[np.array(columns) == column])))
    random.shuffle(parts)  # type: ignore[attr-defined]
    joined = join(parts)
    order = [joined.node_ids.index(name) for name in names]
    assert joined.time.equals(pd.DatetimeIndex(time))
    assert np.array_equal(joined.values[:, order], values)


def test_missing_value_gives_way_to_one_that_was_measured() -> None:
    joined = join([table("2024-01-01", [[np.nan, 1.0]], "ab"), table("2024-01-01", [[2.0, np.nan]], "ab")])
    assert joined.values.tolist() == [[2.0, 1.0]]


def test_notes_are_kept_once() -> None:
    parts = [table(f"2024-01-0{day}", [[1.0]], "a", notes=("The same.", f"Day {day}.")) for day in (1, 2)]
    assert join(parts).notes == ("The same.", "Day 1.", "Day 2.")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (table("2024-01-01", [[3.0]], "a"), "two values for sensor 'a' at 2024-01-01"),
        (table("2024-01-02", [[3.0]], "a", unit="mph"), "values in no unit and in mph"),
        (table("2024-01-02", [[3.0]], "a", tz="UTC"), "several time zones"),
    ],
)
def test_parts_that_do_not_fit_are_refused(other: Table, message: str) -> None:
    with pytest.raises(InputError, match=message):
        join([table("2024-01-01", [[1.0]], "a"), other])


def test_parts_of_different_networks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stlora.data.readers.parts._FREE_CELLS", 0)
    parts = [
        table(f"2024-01-01 {hour:02}:{minute:02}", [[1.0]], chr(100 + 60 * hour + minute))
        for hour in range(4)
        for minute in range(60)
    ]
    with pytest.raises(InputError, match="expected most sensors at most times"):
        join(parts)
