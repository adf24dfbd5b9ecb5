"""The layouts in which agencies publish measurements, one row per time and sensor."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from stlora.data.readers.agencies import files, times
from stlora.data.readers.agencies.description import Block, Channel, Layout, Rule
from stlora.data.readers.agencies.files import Outline
from stlora.data.readers.cells import MISSING, row_of
from stlora.errors import InputError

_FAULTY = (-999.0, -9999.0, -99999.0)  # that stand for a missing value in air quality data

# of Madrid's network, and of the European vocabulary
_MADRID = {
    "1": ("so2", "µg/m³"),
    "6": ("co", "mg/m³"),
    "7": ("no", "µg/m³"),
    "8": ("no2", "µg/m³"),
    "9": ("pm2.5", "µg/m³"),
    "10": ("pm10", "µg/m³"),
    "12": ("nox", "µg/m³"),
    "14": ("o3", "µg/m³"),
    "20": ("toluene", "µg/m³"),
    "30": ("benzene", "µg/m³"),
    "35": ("ethylbenzene", "µg/m³"),
    "37": ("m-xylene", "µg/m³"),
    "38": ("p-xylene", "µg/m³"),
    "39": ("o-xylene", "µg/m³"),
    "42": ("hydrocarbons", "mg/m³"),
    "43": ("methane", "mg/m³"),
    "44": ("nmhc", "mg/m³"),
    "80": ("uv", "mW/m²"),
    "81": ("wind_speed", "m/s"),
    "82": ("wind_direction", "°"),
    "83": ("temperature", "°C"),
    "86": ("humidity", "%"),
    "87": ("pressure", "mbar"),
    "88": ("radiation", "W/m²"),
    "89": ("precipitation", "l/m²"),
}
_EUROPEAN = {
    "1": "so2",
    "5": "pm10",
    "7": "o3",
    "8": "no2",
    "9": "nox",
    "10": "co",
    "20": "c6h6",
    "38": "no",
    "6001": "pm2.5",
    "6002": "pm1",
}


def _below(limit: float) -> Callable[[str], bool]:
    """Whether a text is a number below the limit."""

    def invalid(text: str) -> bool:
        try:
            return float(text.replace(",", ".")) < limit
        except ValueError:
            return False

    return invalid


def _is_zero(text: str) -> bool:
    try:
        return float(text) == 0
    except ValueError:
        return False


def _berlin(place: str, node: str) -> Layout:
    """Berlin's hourly tables of detectors and of cross-sections, whose columns differ in a syllable."""
    channels = tuple(
        Channel(f"{name}{what}", f"{letter}_{column}_{place}_hr", unit)
        for name, column in (("", "kfz"), ("car_", "pkw"), ("truck_", "lkw"))
        for what, letter, unit in (("flow", "q", "vehicles per hour"), ("speed", "v", "km/h"))
    )
    return Layout(
        "Berlin traffic detection",
        (node, "tag", "stunde", channels[0].column),
        node,
        partial(times.day_and_length, unit="hours", longest=24, formats=(times.ISO, *times.DAY_FIRST)),
        ("tag", "stunde"),
        channels,
        rules=(Rule("qualitaet", _below(0.75), "less than 75 % of the hour was measured"),),
        negative=True,
    )


UTD19 = Layout(
    "UTD19",
    ("day", "interval", "detid", "flow"),
    "detid",
    partial(times.day_and_length, unit="seconds", longest=86_400, formats=(times.ISO, *times.DAY_FIRST)),
    ("day", "interval"),
    (Channel("flow", "flow", "vehicles per hour"), Channel("occupancy", "occ"), Channel("speed", "speed", "km/h")),
    within="city",
    rules=(Rule("error", lambda text: text not in (*MISSING, "0", "0.0"), "the column error marks them"),),
)

MADRID_TRAFFIC = Layout(
    "Madrid traffic",
    ("id", "fecha", "tipo_elem", "intensidad", "ocupacion"),
    "id",
    partial(times.dated, formats=(times.ISO, *times.DAY_FIRST)),
    ("fecha",),
    (
        Channel("flow", "intensidad", "vehicles per hour"),
        Channel("occupancy", "ocupacion", "%"),
        Channel("load", "carga", "%"),
        Channel("speed", "vmed", "km/h"),
    ),
    rules=(
        Rule("error", lambda text: text not in (*MISSING, "N"), "the column error is not N"),
        Rule(
            "tipo_elem",
            lambda text: "URB" in text.upper(),
            "points in the city measure no speed",
            channels=("speed",),
            leaves_out=True,
        ),
    ),
    negative=True,
)

MADRID_TRAFFIC_EARLIER = replace(
    MADRID_TRAFFIC, columns=("idelem", "fecha", "tipo_elem", "intensidad", "ocupacion"), node="idelem"
)

WEBTRIS = Layout(
    "WebTRIS",
    ("site name", "report date", "time period ending", "time interval"),
    "site name",
    times.interval_of_day,
    ("report date", "time period ending", "time interval"),
    (
        Channel("flow", "total volume", "vehicles per interval"),
        Channel("speed", "avg mph", "mph"),
        *(
            Channel(name, name, "vehicles per interval")
            for name in ("0 - 520 cm", "521 - 660 cm", "661 - 1160 cm", "1160+ cm")
        ),
    ),
    negative=True,
)

_OPENAQ_NOTE = "OpenAQ's time stamps, which are in UTC here, stand at the end of what was averaged."
OPENAQ = Layout(
    "OpenAQ",
    ("location_id", "datetime", "parameter", "value", "units"),
    "location_id",
    partial(times.offset, default=None),
    ("datetime",),
    (Channel("value", "value"),),
    within="sensors_id",
    quantity="parameter",
    unit="units",
    faulty=_FAULTY,
    place=("lat", "lon"),
    note=_OPENAQ_NOTE,
)
OPENAQ_EARLIER = replace(
    OPENAQ,
    columns=("location", "utc", "parameter", "value", "unit"),
    node="location",
    time=partial(times.offset, default="UTC"),
    clock=("utc",),
    within="city",
    unit="unit",
    place=("latitude", "longitude"),
)
OPENAQ_EXPLORER = replace(
    OPENAQ_EARLIER,
    columns=("location_id", "datetimeutc", "parameter", "value", "unit"),
    node="location_id",
    clock=("datetimeutc",),
    within="",
)

EEA = Layout(
    "EEA air quality",
    ("samplingpoint", "pollutant", "start", "end", "value", "validity"),
    "samplingpoint",
    partial(times.offset, default="+01:00"),
    ("start",),
    (Channel("value", "value"),),
    quantity="pollutant",
    quantities={code: (name, "") for code, name in _EUROPEAN.items()},
    unit="unit",
    kind="aggtype",
    rules=(Rule("validity", _below(1), "their validity is below 1"),),
    faulty=_FAULTY,
    note="Times are in UTC; the EEA's are in UTC+01:00 where they carry no offset.",
)
EEA_EARLIER = replace(
    EEA,
    columns=("samplingpoint", "airpollutant", "concentration", "datetimebegin", "validity"),
    clock=("datetimebegin",),
    channels=(Channel("concentration", "concentration"),),
    quantity="airpollutant",
    unit="unitofmeasurement",
    kind="averagingtime",
)


@dataclass(frozen=True)
class _HourColumns(Layout):
    """Rows of a day with a column for each hour and one that says whether it is valid."""

    def fits(self, names: Sequence[str]) -> bool:
        """Whether these are the columns of the layout."""
        return super().fits(names) and {f"{letter}{hour:02}" for letter in "hv" for hour in range(1, 25)} <= set(names)

    def needs(self, names: Sequence[str], chosen: Channel) -> list[str]:
        """The columns to read of those that a file has."""
        keys = [name for name in (self.node, self.within, self.quantity, "ano", "mes", "dia") if name in names]
        return keys + [f"{letter}{hour:02}" for letter in "hv" for hour in range(1, 25)]

    def tidy(self, block: Block) -> Block:
        """The block with one row per time and sensor."""
        day = [pd.Series(block.numbers(name), block.frame.index) for name in ("ano", "mes", "dia")]
        dates = pd.to_datetime(pd.DataFrame(dict(zip(("year", "month", "day"), day, strict=True))), errors="coerce")
        if dates.isna().any():
            row = int(np.flatnonzero(dates.isna())[0])
            raise InputError(f"row {row_of(dates, row)} has no date; expected year, month and day in ANO, MES, DIA")
        keys = [name for name in (self.node, self.within, self.quantity) if name in block]
        long = pd.DataFrame({name: np.tile(block.column(name).astype(object), 24) for name in keys})
        long["day"] = np.tile(dates, 24)
        long["hour"] = np.repeat(np.arange(24), len(dates))
        long["value"] = np.concatenate([block.numbers(f"h{hour:02}") for hour in range(1, 25)])
        long["valid"] = np.concatenate([block.column(f"v{hour:02}").astype(object) for hour in range(1, 25)])
        position = {name: i for i, name in enumerate(long.columns)}
        long.columns = list(position.values())
        long.index = pd.Index(np.tile(block.frame.index, 24))
        return replace(block, frame=long, position=position, titles=())


MADRID_HOURS = _HourColumns(
    "Madrid hourly",
    ("estacion", "magnitud", "ano", "mes", "dia", "h01", "v01"),
    "estacion",
    partial(times.day_and_length, unit="hours", longest=23, formats=(times.ISO,)),
    ("day", "hour"),
    (Channel("value", "value"),),
    within="punto_muestreo",
    quantity="magnitud",
    quantities=_MADRID,
    rules=(Rule("valid", lambda text: text.upper() != "V", "they are not marked as valid (V)"),),
    note="H01 is the hour from 0:00 to 1:00 and H24 that from 23:00; time stamps are the start of the hour.",
)


@dataclass(frozen=True)
class _Headless(Layout):
    """Caltrans PeMS: no header, twelve columns and then those of the lanes."""

    def outline(self, path: Path, head: bytes) -> Outline | None:
        """How the file is laid out, if it is of this layout."""
        line = next((line for line in files.start_of(path, head) or [] if line.strip()), "").strip()
        if not re.match(r'"?\d\d/\d\d/\d{4} \d\d:\d\d:\d\d"?,\d+,\d+,\d+,"?[NSEW]"?,"?[A-Z]{2}"?,', line):
            return None
        cells = len(line.split(","))
        if cells < len(self.columns):
            return None
        # files of days have 16 columns, of which those after the flow are delays
        known = 10 if cells == 16 else cells
        return Outline(tuple(str(i) if i < known else f"delay {i}" for i in range(cells)), separator=",")


PEMS_STATION = _Headless(
    "PeMS station",
    tuple(str(i) for i in range(12)),
    "1",
    partial(times.dated, formats=("%m/%d/%Y %H:%M:%S",)),
    ("0",),
    (
        Channel("flow", "9", "vehicles per interval"),
        Channel("occupancy", "10"),
        Channel("speed", "11", "mph"),
    ),
    rules=(Rule("8", _is_zero, "they were imputed (0 % observed)"),),
)

PEMS_TITLED = Layout(  # as people write names above the columns
    PEMS_STATION.name,
    ("timestamp", "station", "% observed", "total flow"),
    "station",
    PEMS_STATION.time,
    ("timestamp",),
    tuple(
        replace(channel, column=column)
        for channel, column in zip(PEMS_STATION.channels, ("total flow", "avg occupancy", "avg speed"), strict=True)
    ),
    rules=tuple(replace(rule, column="% observed") for rule in PEMS_STATION.rules),
)

LAYOUTS: tuple[Layout, ...] = (
    PEMS_STATION,
    PEMS_TITLED,
    UTD19,
    MADRID_TRAFFIC,
    MADRID_TRAFFIC_EARLIER,
    MADRID_HOURS,
    WEBTRIS,
    OPENAQ,
    OPENAQ_EARLIER,
    OPENAQ_EXPLORER,
    EEA,
    EEA_EARLIER,
    _berlin("det", "detid_15"),
    _berlin("mq", "mq_name"),
)
