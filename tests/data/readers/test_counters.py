"""Exports of counters: titles, directions, sums; and days that run from six to six under one date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries, load_series
from stlora.data.time.hours import by_order_of_rows
from stlora.errors import InputError

TITLES = "Eco-Counter export\nPeriod;01/03/2024 - 02/03/2024\n\n"


def eco_counter(folder: Path, header: str, columns: int, titles: str = "", first: str = "2024-03-01") -> Path:
    """Column j counts 100 j plus the hour; the fifth hour is empty."""
    time = pd.date_range(first, periods=48, freq="1h")
    rows = [
        ";".join([f"{stamp:%d/%m/%Y %H:%M}", *("" if i == 5 else str(100 * j + i) for j in range(columns))])
        for i, stamp in enumerate(time)
    ]
    path = folder / f"export-{first}.csv"
    path.write_text("\n".join([titles + header, *rows]) + "\n", encoding="cp1252")
    return path


def test_total_of_both_directions_is_read_once(tmp_path: Path) -> None:
    header = "Date;Brücke;Brücke IN;Brücke OUT;Park - Cyclist IN;Park - Cyclist OUT"
    path = eco_counter(tmp_path, header, 5, TITLES)
    series = load_series(path)
    assert series.node_ids == ("Brücke", "Park - Cyclist IN", "Park - Cyclist OUT")
    assert series.time[0] == pd.Timestamp("2024-03-01")
    assert series.values[1].tolist() == [1, 301, 401]
    assert np.flatnonzero(~series.observed.any(axis=1)).tolist() == [5]
    assert any(note.startswith("2 columns of directions") for note in series.notes)
    assert load_series(path, channel="out").node_ids == ("Brücke OUT", "Park - Cyclist OUT")


def test_directions_are_called_after_the_counter_above_them(tmp_path: Path) -> None:
    path = eco_counter(tmp_path, ";Bridge;;Park;\nTime;IN;OUT;IN;OUT", 4, TITLES)
    assert load_series(path).node_ids == ("Bridge IN", "Bridge OUT", "Park IN", "Park OUT")


def test_titles_alone_tell_the_layout(tmp_path: Path) -> None:
    series = load_series(eco_counter(tmp_path, "Time;Bridge;Park", 2, TITLES))
    assert series.node_ids == ("Bridge", "Park")


def test_row_of_sums_is_left_out(tmp_path: Path) -> None:
    path = eco_counter(tmp_path, "Date;A;A IN;A OUT", 3)
    path.write_text(path.read_text("cp1252") + "Total;1;2;3\n")
    series = load_series(path)
    assert series.num_steps == 48
    assert any(note.startswith("1 rows of sums") for note in series.notes)


def test_months_are_one_table_and_their_dates_are_read_alike(tmp_path: Path) -> None:
    eco_counter(tmp_path, "Date;A;A IN;A OUT", 3, first="2024-03-01")
    eco_counter(tmp_path, "Date;A;A IN;A OUT", 3, first="2024-03-03")
    eco_counter(tmp_path, "Date;A;A IN;A OUT;B IN;B OUT", 5, first="2024-03-05")
    series = load_series(tmp_path)
    assert series.time.equals(pd.date_range("2024-03-01", periods=144, freq="1h"))
    assert series.node_ids == ("A", "B IN", "B OUT")
    assert np.flatnonzero(series.observed[:, 1])[0] == 96


def test_unknown_direction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="total, in and out"):
        load_series(eco_counter(tmp_path, "Date;A;A IN;A OUT", 3), channel="flow")


def auckland(days: int = 10, start: str = "2019-01-01") -> pd.DataFrame:
    """A day from six to six under one date; the values count hours."""
    rows = []
    for day in range(days):
        date = pd.Timestamp(start) + pd.Timedelta(days=day)
        for hour in [*range(6, 24), *range(6)]:
            rows.append((f"{date:%Y-%m-%d}", f"{hour}:00-{hour}:59", date.year, float(len(rows)), 1.0))
    return pd.DataFrame(rows, columns=["date", "hour", "year", "45 Queen Street", "High Street"])


def write(folder: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(folder / "hourly_counts.csv", index=False)
    return folder / "hourly_counts.csv"


def test_day_from_six_to_six(tmp_path: Path) -> None:
    series = load_series(write(tmp_path, auckland()))
    assert series.time.equals(pd.date_range("2019-01-01 06:00", periods=240, freq="1h"))
    assert series.values[:, 0].tolist() == list(range(240))
    assert series.node_ids == ("45 Queen Street", "High Street")
    assert any("6:00 to 6:00" in note for note in series.notes)


def test_order_of_rows_is_right_where_a_date_is_wrong(tmp_path: Path) -> None:
    frame = auckland(40)
    frame.loc[[50, 400], "date"] = "2019-01-30"
    series = load_series(write(tmp_path, frame))
    assert series.values[:, 0].tolist() == list(range(960))
    assert any(note.startswith("2 rows stood under a wrong date") for note in series.notes)


def test_hour_that_clocks_skip_is_missing(tmp_path: Path) -> None:
    frame = auckland().drop(index=20)  # 2:00 of the second of January
    series = load_series(write(tmp_path, frame))
    assert series.num_steps == 240
    assert np.flatnonzero(~series.observed[:, 0]).tolist() == [20]


def test_days_that_were_left_out_are_missing(tmp_path: Path) -> None:
    frame = auckland(20)
    series = load_series(write(tmp_path, frame[~frame["date"].between("2019-01-05", "2019-01-06")]))
    assert series.num_steps == 480
    assert np.flatnonzero(~series.observed[:, 0]).tolist() == list(range(96, 144))


def test_rows_that_were_sorted_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="order of rows contradicts"):
        load_series(write(tmp_path, auckland(40).sample(frac=1, random_state=0)))


def test_parquet_and_places_of_the_package(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    auckland().to_parquet(tmp_path / "counts.parquet")
    (tmp_path / "locations.csv").write_text(
        "Address,Latitude,Longitude\nHigh Street,-36.8,174.7\n45 Queen Street,-36.9,174.8\n"
    )
    series = load_series(tmp_path / "counts.parquet")
    assert series.values[:, 0].tolist() == list(range(240))
    assert series.coordinates is not None
    assert series.coordinates.tolist() == [[-36.9, 174.8], [-36.8, 174.7]]


def test_day_that_begins_at_midnight() -> None:
    hours = np.tile(np.arange(24), 3)
    time, notes = by_order_of_rows(np.repeat(np.arange(3), 24), hours)
    assert time.equals(pd.date_range("1970-01-01", periods=72, freq="1h"))
    assert notes == ()


def test_hour_that_a_counter_has_twice_needs_the_zone(tmp_path: Path) -> None:
    path = eco_counter(tmp_path, "Date;A;A IN;A OUT", 3, first="2024-10-27")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], "27/10/2024 02:00;77;1;1", *lines[4:]]) + "\n")
    series = load_series(path, timezone="Europe/Paris")
    assert series.values[2:5, 0].tolist() == [2, 77, 3]
    with pytest.raises(InputError, match="zone"):
        load_series(path)


def test_data_frame_of_the_package(tmp_path: Path) -> None:
    series = SensorSeries.from_dataframe(auckland())
    assert series.fingerprint() == load_series(write(tmp_path, auckland())).fingerprint()


def test_two_counters_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'A' appears more than once"):
        load_series(eco_counter(tmp_path, "Date;A;A", 2, "Eco-Visio\n"))


def test_date_and_time_in_two_columns(tmp_path: Path) -> None:
    rows = [f"{day:02}/03/2024,{hour:02}:00,{hour},1" for day in (1, 2) for hour in range(24)]
    (tmp_path / "x.csv").write_text("\n".join(["Date,Time,A IN,A OUT", *rows, ""]))
    series = load_series(tmp_path / "x.csv")
    assert series.time.equals(pd.date_range("2024-03-01", periods=48, freq="1h"))
    assert series.node_ids == ("A IN", "A OUT")


def test_many_counters(tmp_path: Path) -> None:
    header = "Date;" + ";".join(
        f"Counter on the bridge number {i} IN;Counter on the bridge number {i} OUT" for i in range(150)
    )
    assert load_series(eco_counter(tmp_path, header, 300)).num_nodes == 300
