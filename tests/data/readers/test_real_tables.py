"""Real counts, written as people write tables, are read as they were; skipped where the real data are not at hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stlora.cli import main
from stlora.data import SensorSeries, load_series

ROOT = Path(__file__).parents[3]
DATA = ROOT / ".." / "shared" / "data"
STEPS = 9000  # the last of each set
DAY, HOUR = pd.Timedelta("1D"), pd.Timedelta("1h")


@pytest.fixture(scope="module", params=["auckland-pedestrians", "muenster-bikes"])
def frame(request):
    pytest.importorskip("pyarrow")
    if not (DATA / request.param).is_dir():
        pytest.skip("no real data beside the checkout")
    series = load_series(DATA / request.param).select(nodes=None)
    return pd.DataFrame(series.values, index=series.time.rename("time"), columns=series.node_ids).iloc[-STEPS:]


def german_numbers(frame):
    return frame.map(lambda count: "" if np.isnan(count) else f"{int(count):,}".replace(",", "."))


def moved(frame, until):
    """The frame whose rows of the first hours of a day stand under the date before."""
    time = frame.index
    return frame.set_axis(time.where(time - time.normalize() > until, time - DAY)).rename_axis("time")


def spreadsheet(frame, path):
    """One row per time and site, the date and the time of day in two columns."""
    long = frame.reset_index().melt("time", var_name="Stelle", value_name="Anzahl").dropna()
    long.insert(0, "Datum", long["time"].dt.strftime("%d.%m.%Y"))
    long.insert(1, "Uhrzeit", long["time"].dt.strftime("%H:%M"))
    table = long.drop(columns="time").assign(Anzahl=german_numbers(long[["Anzahl"]])["Anzahl"])
    path.write_bytes(("Export\nStand 2026\n\n" + table.to_csv(sep=";", index=False)).encode("cp1252"))


def long_midnights(frame, path):
    table = moved(frame, 0 * HOUR).reset_index()
    table.melt("time", var_name="sensor", value_name="count").to_csv(path, index=False)


FORMS = {
    "semicolons": lambda frame, path: frame.to_csv(path, sep=";", decimal=","),
    "german": lambda frame, path: german_numbers(frame).to_csv(path, sep=";", date_format="%d.%m.%Y %H:%M"),
    "american": lambda frame, path: frame.to_csv(path, date_format="%m/%d/%Y %I:%M %p"),
    "midnight": lambda frame, path: moved(frame, 0 * HOUR).to_csv(path),
    "five": lambda frame, path: moved(frame, 5 * HOUR).to_csv(path),
    "long midnight": long_midnights,
    "no header": lambda frame, path: frame.to_csv(path, header=False),
}


def check(series, frame):
    expected = SensorSeries.from_dataframe(frame)
    series = series.select(nodes=expected.node_ids)
    assert series.time.equals(expected.time)
    np.testing.assert_array_equal(series.values, expected.values)


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_table(frame, tmp_path, form):
    FORMS[form](frame, tmp_path / "x.csv")
    if form == "no header":
        frame = frame.set_axis([str(i) for i in range(2, frame.shape[1] + 2)], axis=1)
    check(load_series(tmp_path / "x.csv"), frame)


def test_parts(frame, tmp_path):
    for i in range(3):
        frame.iloc[i * STEPS // 3 : (i + 1) * STEPS // 3].to_parquet(tmp_path / f"part-{i:05}.parquet")
    check(load_series(tmp_path), frame)


def test_spreadsheet_is_read_as_the_page_says(frame, tmp_path, monkeypatch, capsys):
    spreadsheet(frame, tmp_path / "pedestrians.csv")
    series = load_series(tmp_path / "pedestrians.csv", columns="node=Stelle,value=Anzahl")
    rows = frame.notna().any(axis=1)
    check(series, frame.loc[rows.idxmax() : rows[::-1].idxmax()])
    if "1 Courthouse Lane" not in frame.columns:
        return  # the page shows Auckland's
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    command = "stlora data check pedestrians.csv --columns node=Stelle,value=Anzahl"
    shown = page.partition(f"$ {command}\n")[2].partition("\n```")[0].splitlines()
    assert main(command.split()[1:]) == 0
    printed = capsys.readouterr().out
    assert shown
    assert all(line in printed for line in shown if line.strip() != "…")
