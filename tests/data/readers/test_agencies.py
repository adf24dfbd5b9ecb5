"""What agencies publish: values, flags, hours, channels and several files, in small files of the right header."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stlora.data import SensorSeries, load_series
from stlora.data.readers.agencies import LAYOUTS, files
from stlora.data.readers.agencies.description import Layout
from stlora.errors import InputError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a table as text and returns its path."""

    def write(name: str, header: str, rows: list[str], encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = "\n".join([*([header] if header else []), *rows, ""]).encode(encoding)
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write


UTD19 = "day,interval,detid,flow,occ,error,city,speed"


def utd19(day: str = "2017-09-08", cities: tuple[str, ...] = ("zurich",), error: str = "") -> list[str]:
    """Flow is interval / 300 + 100 of the detector's number."""
    return [
        f"{day},{300 * i},K{k},{i + 100 * k},0.{k},{error if i == 1 else ''},{city},"
        for city in cities
        for k in (1, 2)
        for i in range(288)
    ]


def test_utd19_counts_seconds_from_midnight(write: Write) -> None:
    series = load_series(write("zurich.csv", UTD19, utd19()))
    assert series.node_ids == ("K1", "K2")
    assert series.values[:3].tolist() == [[100, 200], [101, 201], [102, 202]]
    assert series.time[-1] == pd.Timestamp("2017-09-08 23:55")
    assert series.unit == "vehicles per hour"


def test_utd19_error_is_missing_and_counted(write: Write) -> None:
    series = load_series(write("zurich.csv", UTD19, utd19(error="1")))
    assert np.argwhere(~series.observed).tolist() == [[1, 0], [1, 1]]
    assert any(note.startswith("2 of 576 values") for note in series.notes)


@pytest.mark.parametrize(("channel", "first"), [("flow", 100.0), ("occupancy", 0.1), ("occ", 0.1)])
def test_channel_is_chosen_by_name_or_column(write: Write, channel: str, first: float) -> None:
    series = load_series(write("zurich.csv", UTD19, utd19()), channel=channel)
    assert series.values[0, 0] == np.float32(first)


def test_detectors_of_one_name_in_two_cities_stay_apart(write: Write) -> None:
    series = load_series(write("two.csv", UTD19, utd19(cities=("zurich", "bern"))))
    assert series.node_ids == ("K1/bern", "K1/zurich", "K2/bern", "K2/zurich")


def test_unknown_channel_is_refused_with_those_there_are(write: Write) -> None:
    with pytest.raises(InputError, match="flow, occupancy, speed; 'pm10'"):
        load_series(write("zurich.csv", UTD19, utd19()), channel="pm10")


def test_time_of_day_beyond_a_day_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match=r"row 2 .*'90000'"):
        load_series(write("x.csv", UTD19, ["2017-09-08,0,K1,1,0,,x,", "2017-09-08,90000,K1,1,0,,x,"]))


def pems(day: int = 1, lanes: int = 2) -> list[str]:
    """Flow is the number of the step; the third step of the second station is imputed."""
    rows = []
    for i in range(288):
        for station, count in ((400001, lanes), (400002, lanes + 1)):
            observed = 0 if (i, station) == (2, 400002) else 75
            lane = ",10,5,.0101,61.2,1" * count
            rows.append(
                f"01/{day:02}/2023 {i // 12:02}:{i % 12 * 5:02}:00,{station},4,101,S,ML,.35,20,{observed},"
                f"{i},.{i:03},6{i % 10}.5{lane}"
            )
    return rows


@pytest.mark.parametrize("name", ["d04_text_station_5min_2023_01_01.txt", "d04_text_station_5min_2023_01_01.txt.gz"])
def test_pems_station_file_has_no_header_and_rows_of_any_number_of_lanes(write: Write, name: str) -> None:
    series = load_series(write(name, "", pems()))
    assert series.node_ids == ("400001", "400002")
    assert series.num_steps == 288
    assert series.values[[0, 1, 287], 0].tolist() == [0, 1, 287]
    assert np.argwhere(~series.observed).tolist() == [[2, 1]]
    assert series.unit == "vehicles per 5 min"
    assert load_series(write(name, "", pems()), channel="speed").values[3, 0] == 63.5


def test_days_of_a_folder_are_one_table(write: Write, tmp_path: Path) -> None:
    for day in (2, 1):
        write(f"pems/d04_text_station_5min_2023_01_{day:02}.txt.gz", "", pems(day))
    series = load_series(tmp_path / "pems")
    assert (series.time[0], series.num_steps) == (pd.Timestamp("2023-01-01"), 576)
    assert (~series.observed).sum() == 2
    assert any(note.startswith("2 of 1152 values") for note in series.notes)


def test_files_that_contradict_each_other_are_refused(write: Write, tmp_path: Path) -> None:
    write("two/a.txt", "", pems())
    write("two/b.txt", "", [row.replace(",0,.000,", ",7,.000,") for row in pems()])
    with pytest.raises(InputError, match="two values for sensor '400001' at 2023-01-01"):
        load_series(tmp_path / "two")


MADRID = '"id";"fecha";"tipo_elem";"intensidad";"ocupacion";"carga";"vmed";"error";"periodo_integracion"'


def madrid(form: str = "%Y-%m-%d %H:%M:%S", quote: str = '"') -> list[str]:
    time = pd.date_range("2022-02-01", periods=96, freq="15min")
    points = ((1001, "M30"), (3840, "URB"))
    return [
        f"{point};{quote}{stamp.strftime(form)}{quote};{quote}{kind}{quote};{-1 if i == 5 else i};{quote}NaN{quote};0;"
        f"{60 if kind == 'M30' else 0};{quote}{'E' if i == 7 else 'N' if i % 2 else ''}{quote};5"
        for i, stamp in enumerate(time)
        for point, kind in points
    ]


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"])
@pytest.mark.parametrize("quote", ['"', ""])
def test_madrid_is_read_day_first_and_its_errors_are_missing(write: Write, form: str, quote: str) -> None:
    series = load_series(write("02-2022.csv", MADRID.replace('"', quote), madrid(form, quote)))
    assert series.time[0] == pd.Timestamp("2022-02-01")
    assert series.num_steps == 96
    assert np.unique(np.argwhere(~series.observed)[:, 0]).tolist() == [5, 7]
    assert sum("of 192 values" in note for note in series.notes) == 2


def test_madrid_speed_is_that_of_points_that_measure_it(write: Write) -> None:
    series = load_series(write("02-2022.csv", MADRID, madrid()), channel="speed")
    assert series.node_ids == ("1001",)
    assert any(note.startswith("96 rows were left out") for note in series.notes)


HOURS = "PROVINCIA;MUNICIPIO;ESTACION;MAGNITUD;PUNTO_MUESTREO;ANO;MES;DIA;" + ";".join(
    f"H{hour:02};V{hour:02}" for hour in range(1, 25)
)


def madrid_hours(codes: tuple[int, ...] = (8,)) -> list[str]:
    """The value is the day times 100 plus the hour; H03 of station 4 is not valid."""
    return [
        f"28;79;{station};{code};280790{station:02}_{code}_8;2023;01;{day:02};"
        + ";".join(f"{100 * day + h},5;{'N' if (h, station) == (3, 4) else 'V'}" for h in range(1, 25))
        for code in codes
        for station in (4, 11)
        for day in (1, 2)
    ]


def test_madrid_hours_are_the_starts_of_24_hours_of_a_day(write: Write) -> None:
    series = load_series(write("ene_mo23.csv", HOURS, madrid_hours()))
    assert series.node_ids == ("4", "11")
    assert series.time.equals(pd.date_range("2023-01-01", periods=48, freq="1h"))
    assert series.values[[0, 23, 24], 1].tolist() == [101.5, 124.5, 201.5]
    assert np.argwhere(~series.observed).tolist() == [[2, 0], [26, 0]]
    assert series.unit == "µg/m³"


@pytest.mark.parametrize("channel", ["pm2.5", "PM25", "9"])
def test_quantity_is_chosen_by_name_or_code(write: Write, channel: str) -> None:
    rows = [*madrid_hours((8,)), *(row.replace(",5;", ",25;") for row in madrid_hours((9,)))]
    assert load_series(write("x.csv", HOURS, rows), channel=channel).values[0, 0] == 101.25


def test_several_quantities_are_refused_with_their_names(write: Write) -> None:
    with pytest.raises(InputError, match="no2, temperature"):
        load_series(write("x.csv", HOURS, madrid_hours((8, 83))))


def test_quantities_of_one_unit_are_sensors_of_their_own(write: Write) -> None:
    series = load_series(write("x.csv", HOURS, madrid_hours((8, 9))))
    assert series.node_ids == ("11/no2", "11/pm2.5", "4/no2", "4/pm2.5")
    assert series.unit == "µg/m³"
    one = load_series(write("x.csv", HOURS, madrid_hours((8, 9))), channel="no2")
    np.testing.assert_array_equal(series.select(nodes=["4/no2", "11/no2"]).values, one.values)


WEBTRIS = (
    "Site Name,Report Date,Time Period Ending,Time Interval,0 - 520 cm,521  - 660 cm,661 - 1160 cm,1160+ cm,"
    "0 - 10 mph,Avg mph,Total Volume"
)


def test_webtris_interval_starts_before_the_time_at_which_it_ends(write: Write) -> None:
    rows = [
        f"M25/4876A,{day:02}/03/2025 00:00:00,{i // 4:02}:{i % 4 * 15 + 14}:00,{i},1,2,3,4,,{60 if i else ''},{i}"
        for day in (9, 10)
        for i in range(96)
    ]
    path = write("webtris.csv", WEBTRIS, rows)
    path.write_text("Report for M25/4876A\nfrom, to\n\n" + path.read_text())
    series = load_series(path)
    assert series.time.equals(pd.date_range("2025-03-09", periods=192, freq="15min"))
    assert series.values[:3, 0].tolist() == [0, 1, 2]
    assert load_series(path, channel="speed").observed[:2, 0].tolist() == [False, True]
    assert load_series(path, channel="521 - 660 cm").values[0, 0] == 2


OPENAQ = '"location_id","sensors_id","location","datetime","lat","lon","parameter","units","value"'


def openaq(sensor: int = 39, parameter: str = "pm25", day: int = 1, offset: str = "-07:00") -> list[str]:
    return [
        f'2178,{sensor},"Del Norte, 1","2023-10-{day:02}T{hour:02}:00:00{offset}",35.1353,-106.5847,"{parameter}",'
        f'"µg/m³",{-999 if hour == 5 else hour}'
        for hour in range(24)
    ]


def test_columns_that_are_given_go_before_the_layout(write: Write) -> None:
    path = write("x.csv", OPENAQ, openaq())
    assert load_series(path).node_ids == ("2178",)
    assert load_series(path, columns="node=sensors_id").node_ids == ("39",)
    with pytest.raises(InputError, match="'wo' is not there"):
        load_series(path, columns="node=wo")
    frame = pd.read_csv(path)
    assert SensorSeries.from_dataframe(frame, columns="node=sensors_id").node_ids == ("39",)


def test_openaq_is_in_utc_whatever_the_offset(write: Write, tmp_path: Path) -> None:
    write("year=2023/month=10/location-2178-20231001.csv.gz", OPENAQ, openaq(offset="-06:00"))
    write("year=2023/month=10/location-2178-20231002.csv.gz", OPENAQ, openaq(day=2, offset="-07:00"))
    series = load_series(tmp_path)
    assert series.time[0] == pd.Timestamp("2023-10-01 06:00", tz="UTC")
    assert series.time[24:26].hour.tolist() == [6, 7]
    assert series.values[25, 0] == 0
    assert series.node_ids == ("2178",)
    assert series.coordinates is not None
    assert series.coordinates.tolist() == [[35.1353, -106.5847]]
    assert series.unit == "µg/m³"
    assert any(note.startswith("2 of 48 values") for note in series.notes)


def test_openaq_without_offset_has_the_times_that_stand_there(write: Write) -> None:
    series = load_series(write("x.csv", OPENAQ, openaq(offset="")))
    assert series.timezone is None
    assert series.time[0] == pd.Timestamp("2023-10-01 00:00")


def test_two_sensors_of_a_place_stay_apart(write: Write) -> None:
    series = load_series(write("x.csv", OPENAQ, [*openaq(39), *openaq(40)]))
    assert series.node_ids == ("2178/39", "2178/40")


def test_values_in_two_units_are_refused(write: Write) -> None:
    rows = [*openaq(39), *(row.replace("µg/m³", "ppm") for row in openaq(40))]
    with pytest.raises(InputError, match="several units"):
        load_series(write("x.csv", OPENAQ, rows))


def test_earlier_openaq(write: Write) -> None:
    rows = [
        f'"Thon, Buri",Bangkok,TH,2018-07-18T{hour:02}:00:00.000Z,2018-07-18T21:00:00+07:00,o3,0.5,ppm,13.7,100.5,'
        '"[{""name"":""A, B""}]"'
        for hour in range(4)
    ]
    header = "location,city,country,utc,local,parameter,value,unit,latitude,longitude,attribution"
    series = load_series(write("openaq.csv", header, rows))
    assert series.time[1] == pd.Timestamp("2018-07-18 01:00", tz="UTC")
    assert series.node_ids == ("Thon, Buri",)
    assert series.unit == "ppm"


EEA = (
    "Countrycode,Namespace,AirQualityNetwork,AirQualityStation,AirQualityStationEoICode,SamplingPoint,SamplingProcess,"
    "Sample,AirPollutant,AirPollutantCode,AveragingTime,Concentration,UnitOfMeasurement,DatetimeBegin,DatetimeEnd,"
    "Validity,Verification"
)


def eea(point: int = 1, length: str = "hour") -> list[str]:
    return [
        f"DE,ns,net,sta,eoi,SPO.DE_{point},spp,sam,NO2,http://codes/8,{length},{hour}.5,µg/m3,"
        f"2019-01-01 {hour:02}:00:00 +01:00,2019-01-01 {hour + 1:02}:00:00 +01:00,{-1 if hour == 2 else 2},1"
        for hour in range(5)
    ]


def test_earlier_eea(write: Write) -> None:
    series = load_series(write("DE_8_1_2019_timeseries.csv", EEA, [*eea(1), *eea(2)]))
    assert series.time[0] == pd.Timestamp("2018-12-31 23:00", tz="UTC")
    assert series.values[:2].tolist() == [[0.5, 0.5], [1.5, 1.5]]
    assert np.argwhere(~series.observed).tolist() == [[2, 0], [2, 1]]


def test_means_of_two_lengths_are_refused(write: Write) -> None:
    with pytest.raises(InputError, match="several kinds"):
        load_series(write("x.csv", EEA, [*eea(1), *eea(2, "day")]))


def test_eea_parquet_is_in_utc_plus_one(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    start = pd.date_range("2024-07-01", periods=4, freq="1h")
    for point in (1, 2):
        frame = pd.DataFrame(
            {"Samplingpoint": f"AT/SPO.{point}", "Pollutant": 8, "Start": start, "End": start + pd.Timedelta("1h")}
            | {"Value": [Decimal(i) for i in range(4)], "Unit": "ug.m-3", "AggType": "hour"}
            | {"Validity": [1, 2, -99, 3], "Verification": 1}
        )
        frame.to_parquet(tmp_path / f"SPO.{point}.parquet")
    series = load_series(tmp_path, channel="NO2")
    assert series.time[0] == pd.Timestamp("2024-06-30 23:00", tz="UTC")
    assert series.node_ids == ("AT/SPO.1", "AT/SPO.2")
    assert series.values[[0, 1, 3]].tolist() == [[0, 0], [1, 1], [3, 3]]
    assert not series.observed[2].any()
    assert series.unit == "µg/m³"


def test_berlin_day_and_hour_and_quality(write: Write) -> None:
    header = (
        "detid_15;tag;stunde;qualitaet;q_kfz_det_hr;v_kfz_det_hr;q_pkw_det_hr;v_pkw_det_hr;q_lkw_det_hr;v_lkw_det_hr"
    )
    rows = [
        f"100101000010011;0{day}.02.2021;{hour};{0.5 if hour == 3 else 1.0};{hour};{-1 if hour == 4 else 50};1;2;3;4"
        for day in (1, 2)
        for hour in range(24)
    ]
    path = write("det_val_hr_2021_02.csv", header, rows)
    series = load_series(path)
    assert series.time.equals(pd.date_range("2021-02-01", periods=48, freq="1h"))
    assert series.node_ids == ("100101000010011",)
    assert np.flatnonzero(~series.observed[:, 0]).tolist() == [3, 27]
    assert np.flatnonzero(~load_series(path, channel="speed").observed[:24, 0]).tolist() == [3, 4]


def test_large_file_is_read_block_by_block(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("zurich.csv", UTD19, utd19(error="1"))
    whole = load_series(path)
    monkeypatch.setattr(files, "BLOCK", 1000)
    assert load_series(path).fingerprint() == whole.fingerprint()


def test_cut_row_is_refused_and_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("x.csv", UTD19, utd19())
    path.write_text(path.read_text().rstrip()[:-10])
    monkeypatch.setattr(files, "BLOCK", 1000)
    with pytest.raises(InputError, match="row 576 has 5 cells and the header 8"):
        load_series(path)


def test_cut_gzip_is_refused(write: Write) -> None:
    path = write("x.txt.gz", "", pems())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cut short"):
        load_series(path)


def test_gzip_that_unpacks_without_end_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FREE_SIZE", 1000)
    with pytest.raises(InputError, match="unpacks to more than"):
        load_series(write("x.csv.gz", UTD19, ["2017-09-08,0,K1,1,0,,x,"] * 50_000))


def test_cell_that_is_no_number_is_named(write: Write) -> None:
    with pytest.raises(InputError, match="column 'flow', row 2 holds 'many'"):
        load_series(write("x.csv", UTD19, ["2017-09-08,0,K1,1,0,,x,", "2017-09-08,300,K1,many,0,,x,"]))


def test_files_of_other_layouts_in_a_folder_are_named(write: Write, tmp_path: Path) -> None:
    write("utd/zurich.csv", UTD19, utd19())
    write("utd/zurich_next.csv", UTD19, utd19("2017-09-09"))
    write("utd/links.csv", "order,long,lat,linkid,citycode", ["1,8.5,47.3,7,zurich"])
    series = load_series(tmp_path / "utd")
    assert series.node_ids == ("K1", "K2")
    assert any("links.csv" in note for note in series.notes)


def test_places_that_agencies_publish_beside(write: Write, tmp_path: Path) -> None:
    write("utd/zurich.csv", UTD19, utd19())
    places = ["K2,0.1,,47.4,8.6", "K1,0.2,,47.3,8.5", "K9,0.2,,47.3,8.5"]
    write("utd/detectors_public.csv", "detid,length,road,lat,long", places)
    write("pems/d04_text_station_5min_2023_01_01.txt.gz", "", pems())
    meta = ["400001\t101\tS\t37.3\t-121.9\tML", "400002\t101\tS\t37.4\t-121.8\tML"]
    write("pems/d04_text_meta_2023_01_05.txt", "ID\tFwy\tDir\tLatitude\tLongitude\tType", meta)
    write("madrid/02-2022.csv", MADRID, madrid())
    points = ['"URB";1;3840;"a";440.1;44.2;-3.7;40.4', '"M30";1;1001;"b";440.1;44.2;-3.6;40.3']
    write(
        "madrid/pmed_ubicacion_02-2022.csv",
        '"tipo_elem";"d";"id";"nombre";"utm_x";"utm_y";"longitud";"latitud"',
        points,
    )
    for folder, expected in (
        ("utd", [[47.3, 8.5], [47.4, 8.6]]),
        ("pems", [[37.3, -121.9], [37.4, -121.8]]),
        ("madrid", [[40.3, -3.6], [40.4, -3.7]]),
    ):
        series = load_series(tmp_path / folder)
        assert series.coordinates is not None
        assert series.coordinates.tolist() == expected


def test_damaged_part_of_a_folder_is_refused(write: Write, tmp_path: Path) -> None:
    write("pems/1.txt.gz", "", pems(1))
    write("pems/2.txt.gz", "", pems(2)).write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(InputError, match=r"2\.txt\.gz: is no text"):
        load_series(tmp_path / "pems")


@pytest.mark.parametrize("year", ["0001", "1492", "2500"])
def test_years_that_no_measurement_is_of_are_refused(write: Write, year: str) -> None:
    with pytest.raises(InputError, match=rf"{year}|1700"):
        load_series(write("x.csv", UTD19, utd19(f"{year}-01-01")))


def test_invalid_values_of_earlier_files_are_counted_too(write: Write, tmp_path: Path) -> None:
    write("utd/a.csv", UTD19, utd19(error="1"))
    write("utd/b.csv", UTD19, utd19("2017-09-09"))
    assert any(note.startswith("2 of 1152 values") for note in load_series(tmp_path / "utd").notes)


def test_row_is_numbered_as_in_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*openaq(39, "o3"), *openaq(40, "pm25")]
    rows[30] = rows[30].replace("T06:", "T99:")
    monkeypatch.setattr(files, "BLOCK", 500)
    with pytest.raises(InputError, match="row 31 has the time"):
        load_series(write("x.csv", OPENAQ, rows), channel="pm25")


def set_back(sensors: tuple[str, ...] = ("A", "B")) -> list[str]:
    """Berlin's hours of two days; two o'clock of the second stands twice for these of the sensors."""
    time = pd.date_range("2023-10-28", periods=48, freq="1h")
    rows = [(stamp, sensor, 10 * stamp.hour) for stamp in time for sensor in ("A", "B")]
    rows += [(time[26], sensor, 7) for sensor in sensors]
    return [f"{sensor};{stamp:%d.%m.%Y};{stamp.hour};1.0;{value}" for stamp, sensor, value in rows]


BERLIN = "detid_15;tag;stunde;qualitaet;q_kfz_det_hr"


def test_hour_that_stands_twice_needs_the_zone(write: Write) -> None:
    path = write("x.csv", BERLIN, set_back())
    series = load_series(path, timezone="Europe/Berlin")
    assert series.num_steps == 49
    assert series.values[26:29, 0].tolist() == [20, 7, 30]
    with pytest.raises(InputError, match="zone"):
        load_series(path)


def test_two_values_of_one_sensor_alone_are_refused(write: Write) -> None:
    rows = [row for row in set_back(()) if not row.startswith("C")] + [f"C;{row[2:]}" for row in set_back(())[::2]]
    rows.append("A;29.10.2023;2;1.0;7")
    with pytest.raises(InputError, match="two values for sensor 'A' at 2023-10-29 02:00"):
        load_series(write("x.csv", BERLIN, rows), timezone="Europe/Berlin")


def test_rows_that_stand_twice_alike_are_dropped(write: Write) -> None:
    series = load_series(write("zurich.csv", UTD19, utd19() * 2))
    assert series.num_steps == 288
    assert any(note.startswith("576 repeated rows") for note in series.notes)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.name} {layout.node}")
def test_layout_is_recognised_by_all_that_it_cannot_do_without(layout: Layout) -> None:
    needed = {layout.node, layout.quantity, *layout.clock} - {"", "day", "hour"}
    assert needed <= set(layout.columns)


def test_earlier_madrid(write: Write) -> None:
    header = "idelem;fecha;identif;tipo_elem;intensidad;ocupacion;carga;vmed;error;periodo_integracion"
    rows = [f"1001;2016-01-01 0{h}:00:00;PM10001;PUNTOS MEDIDA M-30;{h};1;2;60;N;5" for h in range(4)]
    assert load_series(write("01-2016.csv", header, rows)).node_ids == ("1001",)


def test_openaq_explorer(write: Write) -> None:
    header = "location_id,location_name,parameter,value,unit,datetimeUtc,datetimeLocal,timezone,latitude,longitude"
    rows = [
        f'8118,"New Delhi",pm25,{h},µg/m³,2024-01-01T0{h}:00:00Z,2024-01-01T0{h}:30:00+05:30,Asia/Kolkata,28.6,77.2'
        for h in range(4)
    ]
    series = load_series(write("x.csv", header, rows))
    assert series.node_ids == ("8118",)
    assert series.time[1] == pd.Timestamp("2024-01-01 01:00", tz="UTC")
    assert series.coordinates is not None


def test_data_frame_is_read_as_its_file(write: Write) -> None:
    path = write("zurich.csv", UTD19, utd19(error="1"))
    series = SensorSeries.from_dataframe(pd.read_csv(path), channel="occupancy")
    assert series.fingerprint() == load_series(path, channel="occupancy").fingerprint()
    path = write("02-2022.csv", MADRID, madrid())
    series = SensorSeries.from_dataframe(pd.read_csv(path, sep=";"))
    assert series.fingerprint() == load_series(path).fingerprint()
    assert series.unit == "vehicles per hour"
    path = write("ene_mo23.csv", HOURS, madrid_hours())
    assert (
        SensorSeries.from_dataframe(pd.read_csv(path, sep=";", decimal=",")).fingerprint()
        == load_series(path).fingerprint()
    )


def test_pems_files_of_days_hold_delays_where_others_have_speed(write: Write) -> None:
    rows = [f"01/{day:02}/2023 00:00:00,400001,4,101,S,ML,.3,288,99,{day},1,2,3,4,5,6" for day in range(1, 10)]
    path = write("d04_text_station_day_2023_01.txt", "", rows)
    assert load_series(path).values[:2, 0].tolist() == [1, 2]
    with pytest.raises(InputError, match="channels flow; 'speed'"):
        load_series(path, channel="speed")


def test_pems_with_names_above(write: Write) -> None:
    header = "Timestamp,Station,District,Freeway,Direction,Lane Type,Station Length,Samples,% Observed,Total Flow,"
    rows = [",".join(row.split(",")[:12]) for row in pems()]
    titled = load_series(write("x.csv", header + "Avg Occupancy,Avg Speed", rows), channel="speed")
    assert titled.fingerprint() == load_series(write("x.txt", "", rows), channel="speed").fingerprint()


@pytest.mark.parametrize("numbers", [["1.418", "328"], ["1.418", "15,25"], ["1.418", "12.345.678"]])
def test_points_that_may_mark_thousands_are_refused(write: Write, numbers: list[str]) -> None:
    rows = [f"1;2022-02-0{day} 00:00:00;M30;{number};1;2;3;N;5" for day, number in enumerate(numbers, start=1)]
    with pytest.raises(InputError, match=r"row [12] holds '(1\.418|12\.345\.678)'"):
        load_series(write("x.csv", MADRID.replace('"', ""), rows))


@pytest.mark.parametrize("numbers", [["1.418", "0.25"], ["1,418", "328"], ["1.418", "12.5"], ["1418", "328"]])
def test_points_that_are_decimal_are_read(write: Write, numbers: list[str]) -> None:
    rows = [f"1;2022-02-0{day} 00:00:00;M30;{number};1;2;3;N;5" for day, number in enumerate(numbers, start=1)]
    values = load_series(write("x.csv", MADRID.replace('"', ""), rows)).values[:, 0]
    assert values == pytest.approx([float(number.replace(",", ".")) for number in numbers])


def test_place_that_is_empty_is_no_place(write: Write) -> None:
    rows = [row.replace("35.1353,-106.5847", ",") for row in openaq()]
    series = load_series(write("x.csv", OPENAQ, rows))
    assert series.coordinates is None
    moving = [row.replace("35.1353", f"35.{i}") for i, row in enumerate(openaq())]
    series = load_series(write("x.csv", OPENAQ, moving))
    assert series.coordinates is None
    assert any("several places" in note for note in series.notes)


def test_zeros_before_the_number_of_a_sensor_stay(write: Write) -> None:
    rows = [row.replace("K1", "007").replace("K2", "7") for row in utd19()]
    assert load_series(write("x.csv", UTD19, rows)).node_ids == ("007", "7")


def test_zip_archive_is_to_be_unpacked(write: Write) -> None:
    path = write("02-2022.csv", MADRID, madrid())
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.write(path, path.name)
    with pytest.raises(InputError, match="unpack it"):
        load_series(path.with_suffix(".zip"))


def test_header_longer_than_the_first_bytes(write: Write) -> None:
    more = ",".join(f"another column of this table {i}" for i in range(300))
    path = write("x.csv", f"{UTD19},{more}", [f"{row}{',' * 300}" for row in utd19()])
    assert load_series(path).node_ids == ("K1", "K2")


def test_utf8_with_a_wrong_byte_is_refused(write: Write) -> None:
    rows = [row.replace("K1", "Kö").replace("K2", "Kä") for row in utd19()]
    path = write("x.csv", UTD19, rows)
    path.write_bytes(path.read_bytes().replace("Kä".encode(), b"K\xe4", 1))
    with pytest.raises(InputError, match="UTF-8"):
        load_series(path)
    assert load_series(write("y.csv", UTD19, rows, encoding="cp1252")).node_ids == ("Kä", "Kö")


def test_eea_pollutant_as_address_of_its_vocabulary(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    start = pd.date_range("2024-07-01", periods=4, freq="1h")
    pollutant = "http://dd.eionet.europa.eu/vocabulary/aq/pollutant/5"
    frame = pd.DataFrame(
        {"Samplingpoint": "AT/SPO.1", "Pollutant": pollutant, "Start": start, "End": start, "Value": 1.0}
        | {"Unit": "ug.m-3", "AggType": "hour", "Validity": 1}
    )
    frame.to_parquet(tmp_path / "x.parquet")
    assert load_series(tmp_path / "x.parquet", channel="pm10").values.tolist() == [[1.0]] * 4
