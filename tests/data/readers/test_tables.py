"""Tables as people have them: which column is what, dialects of text, marks in numbers, and parts."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stlora.cli import main
from stlora.data import SensorSeries, load_series
from stlora.data.readers.tables import parse_columns
from stlora.errors import InputError, UnneededOptionError

TIME = pd.date_range("2024-01-01", periods=30, freq="1h")
WIDE = pd.DataFrame({"a": np.arange(30.0), "b": 50.0 + np.arange(30) % 7}, index=TIME.rename("time"))
LONG = WIDE.reset_index().melt("time", var_name="sensor", value_name="flow")


def read(tmp_path, text, **options):
    path = tmp_path / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_series(path, **options)


def table(head, row):
    """Lines of a table: one for each time, made of its number and the time."""
    return "\n".join([head, *(row(i, time) for i, time in enumerate(TIME))])


def refused(tmp_path, text, message, **options):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, text, **options)
    assert "\n" not in str(caught.value)


def check_one_line(error):
    assert "\n" not in str(error)


def is_wide(series):
    assert series.node_ids == ("a", "b")
    assert series.time.tolist() == TIME.tolist()
    np.testing.assert_array_equal(series.values, WIDE.to_numpy(np.float32))
    return series


# Which column is what


@pytest.mark.parametrize("name", ["Unnamed: 0", "", "index", "__index_level_0__", "id"])
def test_row_numbers_are_left_out(tmp_path, name):
    frame = WIDE.reset_index()
    frame.insert(0, name, range(30))
    series = is_wide(read(tmp_path, frame.to_csv(index=False)))
    assert any("row numbers" in note for note in series.notes)


def test_ids_at_one_time_are_sensors(tmp_path):
    assert read(tmp_path, "id,time,flow\n0,2024-01-01,5\n1,2024-01-01,6\n").node_ids == ("0", "1")


@pytest.mark.parametrize("change", [lambda f: f[f.a % 7 != 3], lambda f: f.sample(frac=1, random_state=0)])
def test_filtered_and_shuffled_frames_keep_their_time_column(tmp_path, change):
    frame = change(WIDE.reset_index())
    frame.to_parquet(tmp_path / "x.parquet")
    for series in (SensorSeries.from_dataframe(frame), load_series(tmp_path / "x.parquet")):
        observed = series.select(start=frame["time"].min()).observed.any(axis=1)
        assert series.node_ids == ("a", "b")
        assert int(observed.sum()) == len(frame)


def test_text_is_no_sensor_name_unless_times_repeat(tmp_path):
    refused(tmp_path, table("time,north,south", lambda i, t: f"{t},{i},{'good' if i % 5 else 'bad'}"), "holds 'bad'")
    is_wide(read(tmp_path, LONG.rename(columns={"sensor": "wo"}).to_csv(index=False)))


def test_truth_values_are_no_measurements(tmp_path):
    frame = WIDE.reset_index().assign(open=WIDE["a"].to_numpy() > 3)
    refused(tmp_path, frame.to_csv(index=False), "column 'open', row 1 holds 'False'")
    frame.rename(columns={"open": "holiday"}).to_parquet(tmp_path / "x.parquet")
    series = is_wide(load_series(tmp_path / "x.parquet"))
    assert "Columns that were not read: holiday." in series.notes


def test_columns_that_repeat_the_time_are_left_out(tmp_path):
    frame = WIDE.reset_index().assign(year=2024, hour=TIME.hour, weekday=TIME.day_of_week)
    assert any("year, hour, weekday" in note for note in is_wide(read(tmp_path, frame.to_csv(index=False))).notes)
    refused(tmp_path, frame.assign(hour=7).to_csv(index=False), "column 'hour', which is no sensor by its name")


def test_names_of_weekdays_sums_and_other_times_are_no_sensors(tmp_path):
    frame = WIDE.reset_index().assign(
        dow=[["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"][day] for day in TIME.day_of_week],
        total=WIDE.sum(axis=1).to_numpy(),
        until=(TIME + pd.Timedelta("1h")).astype(str),
    )
    notes = is_wide(read(tmp_path, frame.to_csv(index=False))).notes
    for words in ("repeat the time (dow)", "add up others (total)", "other times (until)"):
        assert any(words in note for note in notes)
    one_off = frame.assign(total=frame["total"] + (frame.index == 3))
    assert read(tmp_path, one_off.to_csv(index=False)).node_ids == ("a", "b", "total")


@pytest.mark.parametrize("names", [("year", "month", "day", "hour"), ("Jahr", "Monat", "Tag", "Stunde")])
def test_time_in_columns_of_its_own(tmp_path, names):
    parts = [TIME.year, TIME.month, TIME.day, TIME.hour]
    frame = pd.DataFrame(dict(zip(names, parts, strict=True))).assign(a=WIDE["a"].to_numpy(), b=WIDE["b"].to_numpy())
    is_wide(read(tmp_path, frame.to_csv(index=False)))
    is_wide(SensorSeries.from_dataframe(frame))
    is_wide(read(tmp_path, frame.melt([*names], var_name="sensor", value_name="flow").to_csv(index=False)))
    refused(tmp_path, frame.assign(**{names[1]: 13}).to_csv(index=False), "row 1 has the time '2024, 13, 1, 0'")


def test_flags_of_sensors_are_no_sensors(tmp_path):
    frame = WIDE.assign(a_flag=0, qc_b=1).reset_index()[["time", "a", "a_flag", "b", "qc_b"]]
    series = is_wide(read(tmp_path, frame.to_csv(index=False)))
    assert "Columns that were not read: a_flag, qc_b." in series.notes


def test_quantities_of_one_sensor_are_no_sensors(tmp_path):
    text = table("time,flow,speed", lambda i, t: f"{t},{i},60")
    refused(tmp_path, text, "'flow', 'speed', which measure several things; choose one with --channel")
    assert read(tmp_path, text, channel="speed").values[:, 0].tolist() == [60] * 30
    with pytest.raises(UnneededOptionError):
        read(tmp_path, WIDE.to_csv(), channel="speed")


def test_lanes_are_sensors_of_their_own(tmp_path):
    text = table("time,sensor_id,lane,speed", lambda i, t: f"{t},7,{1 + i % 2},{99 if i % 2 else 60}")
    series = read(tmp_path, text)
    assert series.node_ids == ("7/1", "7/2")
    assert np.nanmax(series.values[:, 0]) == 60
    assert any("'lane' tells rows of one sensor apart" in note for note in series.notes)
    one = read(tmp_path, table("time,vds_id,lane,speed", lambda i, t: f"{t},2000410,1,{i}"))
    assert one.node_ids == ("2000410",)


def test_unknown_key_is_refused_until_its_meaning_is_said(tmp_path):
    text = table("time,sensor,belag,flow", lambda i, t: f"{t},7,{'nass' if i % 2 else 'trocken'},{i}")
    refused(tmp_path, text, r"several 'belag' for one sensor .* --columns node=sensor\+belag")
    assert read(tmp_path, text, columns="node=sensor+belag").node_ids == ("7/nass", "7/trocken")
    assert read(tmp_path, text, columns={"node": "sensor"}).node_ids == ("7",)


def test_rows_of_several_kinds_need_a_channel_unless_they_have_one_unit(tmp_path):
    rows = [f"{t},s1,{kind},{i + 100 * (kind == 'no2')}" for i, t in enumerate(TIME) for kind in ("pm10", "no2")]
    text = "\n".join(["time,station,pollutant,value", *rows])
    refused(tmp_path, text, r"several kinds in the column 'pollutant' \(pm10, no2\); choose one with --channel")
    refused(tmp_path, text, "'o3' is none of them", channel="o3")
    assert read(tmp_path, text, channel="no2").values[:2, 0].tolist() == [100, 101]
    with_unit = "\n".join([text.split("\n")[0] + ",unit", *(row + ",µg/m³" for row in rows)])
    series = read(tmp_path, with_unit)
    assert series.node_ids == ("s1/no2", "s1/pm10")
    assert series.unit == "µg/m³"
    refused(tmp_path, with_unit.replace("no2,100,µg", "no2,100,mg"), "several kinds")


def test_station_and_its_name_are_one_and_station_and_detector_are_not(tmp_path):
    rows = [f"{t},{s},S{s},{i}" for i, t in enumerate(TIME) for s in (1, 2)]
    assert read(tmp_path, "\n".join(["time,station_id,station,value", *rows])).node_ids == ("1", "2")
    rows = [f"{t},{s},{d},{i}" for i, t in enumerate(TIME) for s in (1, 2) for d in (1, 2)]
    text = "\n".join(["time,station_id,detector_id,value", *rows])
    refused(tmp_path, text, r"may all name the sensor; .*--columns node=")
    series = read(tmp_path, text, columns="node=station_id+detector_id")
    assert series.node_ids == ("1/1", "1/2", "2/1", "2/2")


def test_sensors_of_a_long_table_are_in_the_order_of_their_names(tmp_path):
    rows = [f"{t},{s},{i}" for i, t in enumerate(TIME) for s in (10, 9, 2) if i or s != 2]
    assert read(tmp_path, "\n".join(["time,sensor,flow", *rows])).node_ids == ("2", "9", "10")
    np.save(tmp_path / "adj.npy", np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0.0]]))
    series = load_series(tmp_path / "x.csv", graph=tmp_path / "adj.npy")
    assert series.adjacency[0, 1] == 1


def test_zeros_before_an_id_are_kept(tmp_path):
    rows = [f"{t},00{s},{i}" for i, t in enumerate(TIME) for s in (1, 2)]
    assert read(tmp_path, "\n".join(["time,sensor,flow", *rows])).node_ids == ("001", "002")


def test_places_of_a_long_table_are_coordinates(tmp_path):
    rows = [f"{t},{s},5{s}.5,7.{s},{i}" for i, t in enumerate(TIME) for s in (1, 2)]
    text = "\n".join(["time,sensor,lat,lon,flow", *rows])
    assert read(tmp_path, text).coordinates.tolist() == [[51.5, 7.1], [52.5, 7.2]]
    moving = read(tmp_path, text.replace("51.5", "53.5", 1))
    assert moving.coordinates is None
    assert any("no coordinates" in note for note in moving.notes)


def test_numbers_alone_in_a_long_table_need_names(tmp_path):
    text = "\n".join(["wann,wo,was", *(f"{t},{s},{i}" for i, t in enumerate(TIME) for s in (1, 2))])
    refused(tmp_path, text, "60 rows of 30 times; .*--columns node=TITLE,value=TITLE")
    assert read(tmp_path, text, columns="time=wann,node=wo,value=was").node_ids == ("1", "2")


def test_rows_that_are_all_repeated_are_dropped(tmp_path):
    series = is_wide(read(tmp_path, pd.concat([WIDE, WIDE]).to_csv()))
    assert any("repeated" in note for note in series.notes)


def test_date_beside_whole_time_stamps_is_left_out(tmp_path):
    text = table("date,timestamp,a,b", lambda i, t: f"{t:%Y-%m-%d},{t},{i},{50 + i % 7}")
    assert "Columns of other times (date) were left out." in is_wide(read(tmp_path, text)).notes
    refused(tmp_path, text.replace("2024-01-02,", "2024-01-03,"), "'date', 'timestamp' all look like the time")


@pytest.mark.parametrize("by_sensor", [True, False])
def test_hour_that_stands_twice_in_a_long_table_needs_its_zone(tmp_path, by_sensor):
    real = pd.date_range("2024-10-26", periods=72, freq="1h", tz="Europe/Berlin")
    rows = [f"{t},{s},{i + 100 * (s == 'b')}" for i, t in enumerate(real.tz_localize(None)) for s in "ab"]
    rows = sorted(rows, key=lambda row: row.split(",")[1]) if by_sensor else rows
    text = "\n".join(["time,sensor,flow", *rows])
    refused(tmp_path, text, "two different rows have the time 2024-10-27 02:00:00; .*--timezone")
    series = read(tmp_path, text, timezone="Europe/Berlin")
    assert series.time.equals(real.as_unit("ns"))
    assert series.values[:, 1].tolist() == [100.0 + i for i in range(72)]


def test_mapping_is_checked(tmp_path):
    assert parse_columns({"node": "x"}) == {"node": "x"}
    for wrong in ("place=x", "node", "node=", "", "node=a,node=b"):
        with pytest.raises(InputError, match="expected time=TITLE"):
            parse_columns(wrong)
    refused(tmp_path, LONG.to_csv(index=False), "'wo' is not there", columns="node=wo")
    refused(tmp_path, WIDE.to_csv(), "decimal is ';'", decimal=";")
    assert read(tmp_path, WIDE.to_csv(), columns="value=b").node_ids == ("b",)


# Time in two columns


@pytest.mark.parametrize(
    ("head", "date", "clock"),
    [
        ("date,hour,a,b", "%Y-%m-%d", lambda t: str(t.hour)),
        ("date,time,a,b", "%Y-%m-%d", lambda t: f"{t:%H:%M}"),
        ("day,hour,a,b", "%Y/%m/%d", lambda t: f"{t.hour}:00-{t.hour}:59"),
        ("fecha,hora,a,b", "%Y-%m-%d", lambda t: f"{t:%H:%M:%S}"),
    ],
)
def test_date_and_time_of_day(tmp_path, head, date, clock):
    is_wide(read(tmp_path, table(head, lambda i, t: f"{t.strftime(date)},{clock(t)},{i},{50 + i % 7}")))


def test_date_and_hour_in_a_long_table(tmp_path):
    frame = LONG.assign(date=LONG["time"].dt.strftime("%Y-%m-%d"), hour=LONG["time"].dt.hour).drop(columns="time")
    is_wide(read(tmp_path, frame.to_csv(index=False)))
    is_wide(SensorSeries.from_dataframe(frame))


def test_hours_from_1_to_24_begin_at_midnight(tmp_path):
    series = read(tmp_path, table("date,hour,a", lambda i, t: f"{t:%Y-%m-%d},{t.hour + 1},{i}"))
    assert series.time[0] == TIME[0]
    assert any("from 1 to 24" in note for note in series.notes)


def test_day_from_six_to_six_under_one_date(tmp_path):
    time = pd.date_range("2024-01-01 06:00", periods=72, freq="1h")
    rows = [f"{t - pd.Timedelta('6h'):%Y-%m-%d},{t.hour}:00-{t.hour}:59,{i}" for i, t in enumerate(time)]
    series = read(tmp_path, "\n".join(["date,hour,a", *rows]))
    assert series.time.equals(time.as_unit("ns"))
    assert series.values[:, 0].tolist() == list(range(72))


def test_time_of_day_that_is_none_is_named(tmp_path):
    text = table("date,hour,a", lambda i, t: f"{t:%Y-%m-%d},{t.hour},{i}").replace(",7,", ",77,")
    refused(tmp_path, text, "column 'hour'|time of day", columns="time=date+hour")


# Dialects of text


@pytest.mark.parametrize("above", ["# exported by X\n", "Station Nord\n\n", "sep=;\n", "Export;1.0\nvon;bis\n\n"])
def test_lines_above_the_header_are_left_out(tmp_path, above):
    if ";" in above:
        series = is_wide(read(tmp_path, above + WIDE.to_csv(sep=";")))
    else:
        series = is_wide(read(tmp_path, above + WIDE.to_csv()))
    assert any("above the header" in note for note in series.notes)


def test_row_of_units_is_left_out(tmp_path):
    head, rows = WIDE.to_csv(sep=";").split("\n", 1)
    series = is_wide(read(tmp_path, f"{head}\n;veh/h;veh/h\n{rows}"))
    assert series.unit == "veh/h"


def test_header_that_stands_twice_is_no_row_of_units(tmp_path):
    head, rows = WIDE.to_csv().split("\n", 1)
    series = is_wide(read(tmp_path, f"{head}\n{head}\n{rows}"))
    assert series.unit == ""
    assert "The header stands twice; the second one was left out." in series.notes


def test_file_without_header_keeps_its_first_row(tmp_path):
    series = read(tmp_path, WIDE.to_csv(header=False))
    np.testing.assert_array_equal(series.values, WIDE.to_numpy(np.float32))
    assert any("no header" in note for note in series.notes)
    long = LONG.to_csv(header=False, index=False)
    is_wide(read(tmp_path, long))
    is_wide(read(tmp_path, long, columns="time=1,node=2,value=3"))


def test_header_that_lacks_a_name_is_told_from_lines_above_it(tmp_path):
    refused(tmp_path, '"a","b"\n' + WIDE.to_csv(header=False), "row 1 has 3 cells and the header 2")


def test_table_that_lies_on_its_side_is_refused(tmp_path):
    refused(tmp_path, WIDE.T.to_csv(), "has no time column")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_other_encodings(tmp_path, encoding):
    frame = WIDE.rename(columns={"a": "Süd"})
    assert read(tmp_path, frame.to_csv().encode(encoding)).node_ids == ("Süd", "b")


def test_packed_text(tmp_path):
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(WIDE.to_csv().encode()))
    is_wide(load_series(tmp_path / "x.csv.gz"))


def test_rows_without_any_cell_and_other_line_ends(tmp_path):
    text = WIDE.to_csv()
    series = is_wide(read(tmp_path, text + ",,\n,,\n"))
    assert "2 rows without any cell were left out." in series.notes
    is_wide(read(tmp_path, text.replace("\n", "\r")))
    is_wide(read(tmp_path, text.replace("\n", "\r\n")))


def test_separators_at_the_end_of_lines(tmp_path):
    is_wide(read(tmp_path, WIDE.to_csv(sep=";", lineterminator=";\n")))


# Numbers


def values(tmp_path, cells, separator=";", **options):
    rows = [f"{time}{separator}{cell}" for time, cell in zip(TIME, cells, strict=False)]
    return read(tmp_path, "\n".join([f"time{separator}a", *rows]), **options).values[:, 0].tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,5", "2", "-0,25"], [1.5, 2, -0.25]),
        (["1.234,5", "12"], [1234.5, 12]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["980", "1.000", "1.010"], [980, 1000, 1010]),
        (["1.234.567", "12"], [1234567, 12]),
        (["1.418", "15,25"], [1418, 15.25]),
        (["0.125", "12"], [0.125, 12]),
        (["1,418", "328"], [1.418, 328]),
        (["-", "12"], [np.nan, 12]),
    ],
)
def test_marks_in_numbers_between_semicolons(tmp_path, cells, expected):
    np.testing.assert_allclose(values(tmp_path, cells), expected, rtol=1e-6)


@pytest.mark.parametrize("cells", [["1.418", "328"], ["1.418", "2.250"], ["12.345"]])
def test_points_that_may_mark_thousands_need_the_decimal_mark(tmp_path, cells):
    with pytest.raises(InputError, match=r"row 1 holds '\d+\.\d+', which may be .*--decimal"):
        values(tmp_path, cells)
    plain = [float(cell) for cell in cells]
    np.testing.assert_allclose(values(tmp_path, cells, decimal="."), plain, rtol=1e-6)
    whole = [float(cell.replace(".", "")) for cell in cells]
    np.testing.assert_allclose(values(tmp_path, cells, decimal=","), whole)


def test_one_column_tells_what_marks_in_another_mean(tmp_path):
    text = "time;a;b\n2024-01-01;1.418;0,5\n2024-01-02;2.250;1,5\n"
    series = read(tmp_path, text)
    assert series.values.tolist() == [[1418, 0.5], [2250, 1.5]]
    assert any("1.418 were read as 1418" in note for note in series.notes)


def test_point_between_commas_is_a_decimal_one(tmp_path):
    assert values(tmp_path, ["1.250", "328"], ",") == [1.25, 328]
    with pytest.raises(InputError, match=r"which may be 1255 or 1\.255"):
        values(tmp_path, ['"1,255"', "328"], ",")


@pytest.mark.parametrize("mark", [" ", "'", "\u00a0"])
def test_spaces_and_apostrophes_part_thousands_where_the_decimal_mark_is_said(tmp_path, mark):
    cells = [f"1{mark}234,5", "12"]
    with pytest.raises(InputError, match="if that parts thousands, name the decimal mark with --decimal"):
        values(tmp_path, cells)
    assert values(tmp_path, cells, decimal=",") == [1234.5, 12]


def test_signs_for_missing_values_are_counted(tmp_path):
    series = read(tmp_path, "time,a,b\n2024-01-01,-,1\n2024-01-02,3,-\n2024-01-03,n.a.,1\n")
    assert int(np.isnan(series.values).sum()) == 3
    assert "3 cells that hold '-', 'n.a.' were taken as missing." in series.notes


@st.composite
def dialects(draw):
    """Values, and a text that holds them in one of the dialects that are read."""
    whole = draw(st.booleans())
    cells = st.none() | (st.integers(-(10**6), 10**6) if whole else st.floats(-1e5, 1e5).map(lambda x: round(x, 2)))
    rows = draw(st.lists(st.tuples(cells, cells), min_size=3, max_size=6))
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal = "." if separator == "," or whole else draw(st.sampled_from(".,"))
    part = draw(st.sampled_from(["", {".": ",", ",": "."}[decimal]]))
    if separator == "," or (separator, part) == (";", ","):  # between semicolons a comma is taken for a decimal one
        part = ""
    head = draw(st.sampled_from(["", "# made by a counter\n", "Messstelle Nord\n"]))
    units = draw(st.booleans())

    def cell(number):
        if number is None:
            return ""
        text = f"{number:,}" if whole else f"{number:,.2f}"
        return text.replace(",", "\0").replace(".", decimal).replace("\0", part)

    out = io.StringIO()
    out.write(head + separator.join(["time", "a", "b"]) + "\n")
    out.write(separator.join(["", "veh", "veh"]) + "\n" if units else "")
    for time, row in zip(TIME, rows, strict=False):
        out.write(separator.join([str(time), *map(cell, row)]) + "\n")
    return np.array(rows, dtype=np.float32), out.getvalue()


@given(dialects())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_any_dialect_is_read_right_or_refused(tmp_path, case):
    expected, text = case
    try:
        series = read(tmp_path, text)
    except InputError as error:
        check_one_line(error)
    else:
        np.testing.assert_allclose(series.values, expected, rtol=1e-6)


# Parts


@pytest.mark.parametrize("names", ["part-{:05}.snappy.parquet", "counts_2024-{:02}.csv"])
def test_parts_of_a_folder_are_one_table(tmp_path, names):
    folder = tmp_path / "counts"
    folder.mkdir()
    for i in range(3):
        part = WIDE.iloc[10 * i : 10 * i + 10]
        path = folder / names.format(i + 1)
        part.to_csv(path) if path.suffix == ".csv" else part.to_parquet(path)
    series = is_wide(load_series(folder))
    assert "3 files were read as one table." in series.notes


def test_files_of_other_names_or_columns_are_no_parts(tmp_path):
    for names in (("flow.csv", "speed.csv"), ("flow_1.csv", "speed_2.csv")):
        folder = tmp_path / names[0]
        folder.mkdir()
        for name in names:
            WIDE.to_csv(folder / name)
        with pytest.raises(InputError, match="several series"):
            load_series(folder)
    (folder / "speed_2.csv").unlink()
    WIDE[["a"]].to_csv(folder / "flow_2.csv")
    with pytest.raises(InputError, match="several series"):
        load_series(folder)


# Options of commands, and what a run keeps of them

TINY = ["--backbone=lstm", '--backbone_options={"input_size": 2, "hidden_size": 2, "output_size": 2}', "--device=cpu"]


def test_run_reads_later_files_as_its_own(tmp_path, capsys):
    time = pd.date_range("2024-01-01", periods=200, freq="1h")

    def write(name, rows, factor):
        lines = [f"{t};{s};{i % 9 * factor};{60 + i % 5}" for i, t in enumerate(time[rows]) for s in ("n", "s")]
        (tmp_path / name).write_text("\n".join(["wann;wo;menge;tempo", *lines]))

    write("all.csv", slice(None), 1)
    fit = ["fit", f"--data={tmp_path / 'all.csv'}", "--columns=time=wann,node=wo,value=tempo", *TINY, "--epochs=1"]
    assert main([*fit, "--history=4", "--horizon=2", f"--out={tmp_path / 'run'}"]) == 0
    write("later.csv", slice(100, 150), 1000)
    out = tmp_path / "f.csv"
    assert main(["predict", str(tmp_path / "run"), f"--data={tmp_path / 'later.csv'}", f"--output={out}"]) == 0
    assert pd.read_csv(out)["forecast"].between(20, 100).all()
    wide = pd.DataFrame({"n": 60.0, "s": 61.0}, index=time[:50].rename("time"))
    wide.to_csv(tmp_path / "wide.csv")
    assert main(["predict", str(tmp_path / "run"), f"--data={tmp_path / 'wide.csv'}", f"--output={out}"]) == 0
    capsys.readouterr()
    check = ["data", "check", str(tmp_path / "all.csv")]
    assert main(check) == 2
    assert "columns of values 'menge', 'tempo'; choose one with --channel" in capsys.readouterr().err
    assert main([*check, "--columns=time=wann,node=wo,value=menge"]) == 0


def test_ids_too_large_for_a_machine_are_text(tmp_path):
    large = 10**25
    rows = [f"{t},{large + s},{i}" for i, t in enumerate(TIME) for s in (1, 2)]
    assert read(tmp_path, "\n".join(["time,sensor,flow", *rows])).node_ids == (str(large + 1), str(large + 2))
