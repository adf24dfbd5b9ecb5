"""The verbs as a user types them: real commands on a small network, and what they say when something is wrong."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from stlora.cli import main

SMALL = [
    "--epochs",
    "2",
    "--train_fraction",
    "0.2",
    "--backbone_options",
    "{hidden_size: 8, input_size: 4, output_size: 8}",
]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A wide CSV of four sensors over five days of quarter hours, with gaps."""
    rng = np.random.default_rng(0)
    time = pd.date_range("2024-03-04", periods=480, freq="15min")
    day = np.sin(2 * np.pi * np.arange(480) / 96)[:, None]
    values = 50 + 20 * day * np.array([1, -1, 0.5, 2]) + rng.normal(0, 1, (480, 4))
    values[rng.random((480, 4)) < 0.05] = np.nan
    frame = pd.DataFrame(values, columns=["a", "b", "c", "d"])
    frame.insert(0, "time", time)
    path = tmp_path_factory.mktemp("data") / "network.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "lstm"
    assert main(["fit", "--data", str(network), "--backbone", "lstm", "--out", str(folder), *SMALL]) == 0
    return folder


@pytest.fixture(scope="module")
def adapted(run):
    folder = run.with_name("adapted")
    assert main(["adapt", str(run), "--out", str(folder), "--epochs", "2"]) == 0
    return folder


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "stlora.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


def one_error(capsys):
    lines = capsys.readouterr().err.splitlines(keepends=True)
    err = "".join(line for line in lines if not line.startswith("note: "))
    assert err.startswith("stlora: error: ")
    assert err.count("\n") == 1
    return err


def test_help_names_every_verb_and_every_verb_explains_itself(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    for verb in ("demo", "data", "fit", "adapt", "compare", "study", "report", "evaluate", "predict"):
        assert verb in out
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0


def test_help_does_not_wait_for_torch():
    code = "import sys; from stlora.cli import main\ntry: main(['fit', '--help'])\nexcept SystemExit: pass\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "assert 'torch' not in sys.modules"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_data_check_describes_the_file(network, capsys):
    assert main(["data", "check", str(network)]) == 0
    out = capsys.readouterr().out
    assert "4 sensors, 480 steps" in out
    assert main(["data", "check", str(network), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["nodes"] == 4


def test_data_check_draws_a_picture(network, tmp_path, capsys):
    assert main(["data", "check", str(network), "--picture", str(tmp_path / "network.svg")]) == 0
    assert (tmp_path / "network.svg").read_text().startswith("<?xml")
    for file in ("network.jpg", "nowhere/network.png"):
        assert main(["data", "check", str(network), "--picture", str(tmp_path / file)]) == 2
        assert "name a .png or .svg file" in capsys.readouterr().err


def test_picture_without_matplotlib_names_the_extra(network, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "stlora.report.network_picture", None)
    assert main(["data", "check", str(network), "--picture", str(tmp_path / "network.png")]) == 2
    assert 'pip install "stlora[report]"' in capsys.readouterr().err


def test_data_check_reads_a_wall_clock(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    rows = [f"2024-10-27 {hour:02}:00,{number}" for number, hour in enumerate((0, 1, 2, 2, 3, 4))]
    path.write_text("\n".join(["time,a", *rows]))
    assert main(["data", "check", str(path), "--timezone", "Europe/Berlin"]) == 0
    assert "real time of Europe/Berlin" in capsys.readouterr().out


def test_fit_then_adapt_then_evaluate(run, adapted, capsys):
    assert main(["evaluate", str(adapted), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    stored = json.loads((adapted / "metrics.json").read_text())
    assert measured["average"] == stored["average"]
    assert stored["mode"] == "frozen"
    assert stored["seconds"]["fit"] == json.loads((run / "metrics.json").read_text())["seconds"]["fit"]


def test_predict_writes_csv_and_parquet(network, adapted, tmp_path, capsys):
    for name, read in (("f.csv", pd.read_csv), ("f.parquet", pd.read_parquet)):
        if name.endswith("parquet"):
            pytest.importorskip("pyarrow")
        assert main(["predict", str(adapted), "--data", str(network), "--output", str(tmp_path / name)]) == 0
        table = read(tmp_path / name)
        assert list(table.columns) == ["time", "node", "step", "forecast"]
        assert len(table) == 12 * 4
        assert pd.Timestamp(table["time"].iloc[0]) == pd.Timestamp("2024-03-09 00:00")
        assert "48 forecasts of 4 sensors" in capsys.readouterr().out


def test_a_stored_configuration_repeats_the_run(run, tmp_path):
    again = tmp_path / "again"
    assert main(["fit", "--config", str(run / "config.yaml"), "--out", str(again)]) == 0
    first, second = (json.loads((folder / "metrics.json").read_text()) for folder in (run, again))
    assert first["average"] == second["average"]


def test_a_stored_configuration_repeats_an_adaptation(adapted, tmp_path):
    again = tmp_path / "again"
    source = yaml.safe_load((adapted / "config.yaml").read_text())["run"]
    assert main(["adapt", source, "--config", str(adapted / "config.yaml"), "--out", str(again)]) == 0
    first, second = (json.loads((folder / "metrics.json").read_text()) for folder in (adapted, again))
    assert first["average"] == second["average"]


def test_print_config_is_a_configuration(network, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--data", str(network), "--backbone", "lstm", "--out", "x", "--seed", "7", "--print_config"])
    assert stop.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out)["seed"] == 7


def test_compare_writes_its_tables(network, tmp_path, capsys):
    out = tmp_path / "table"
    arguments = ["compare", "--data", str(network), "--backbones", "stid", "--adapters", "none,stlora", "--seeds", "0"]
    assert main([*arguments, "--epochs", "1", "--train_fraction", "0.2", "--adapt_epochs", "1", "--out", str(out)]) == 0
    written = {"results.json", "report.html", "table.md", "table.csv", "table.tex", "runs"}
    assert {path.name for path in out.iterdir()} == written
    assert len(json.loads((out / "results.json").read_text())["runs"]) == 2
    assert "stid" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit"],
        ["nonsense"],
        [],
        ["data", "check", "nowhere.csv"],
        ["fit", "--data", "nowhere.csv", "--backbone", "lstm", "--out", "x"],
        ["fit", "--data", "simulated", "--backbone", "nothing", "--out", "x"],
        ["fit", "--data", "simulated", "--backbone", "lstm", "--out", "x", "--epochs", "many"],
        ["fit", "--data", "simulated", "--backbone", "lstm", "--out", "x", "--epochs", "0"],
        ["evaluate", "nowhere"],
        ["adapt", "nowhere", "--out", "x"],
        ["predict", "nowhere", "--data", "simulated", "--output", "x.txt"],
        ["fit", "--config", "nowhere.yaml"],
    ],
)
def test_a_mistake_is_one_line_and_status_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    one_error(capsys)
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_a_backbone_that_needs_a_graph_says_so(network, tmp_path, capsys):
    arguments = ["fit", "--data", str(network), "--backbone", "stgcn", "--out", str(tmp_path / "x")]
    assert main(arguments) == 2
    assert "graph" in one_error(capsys)


def test_predict_reads_zeros_as_its_run_did(network, tmp_path, capsys):
    frame = pd.read_csv(network).bfill().ffill()
    frame.iloc[-3:, 1] = 0.0
    frame.to_csv(tmp_path / "zeros.csv", index=False)
    data = ["--data", str(tmp_path / "zeros.csv")]
    run = str(tmp_path / "run")
    assert main(["fit", *data, "--zero_is_missing", "true", "--backbone", "naive", "--out", run]) == 0
    capsys.readouterr()
    assert main(["predict", run, *data, "--output", str(tmp_path / "next.csv")]) == 0
    assert "note: 3 of " in capsys.readouterr().err
    assert main(["predict", run, *data, "--zero_is_missing", "false", "--output", str(tmp_path / "next.csv")]) == 0
    assert "are complete" in capsys.readouterr().err


def in_zone(path, start, hours, zone, text):
    time = pd.date_range(start, periods=hours, freq="h", tz="UTC").tz_convert(zone)
    values = 100 + 50 * (time.hour == 8) + 20 * (time.hour == 17)
    pd.DataFrame({"time": [text(stamp) for stamp in time], "a": values, "b": 2 * values}).to_csv(path, index=False)
    return str(path)


def offset(stamp):
    return stamp.isoformat()


def wall(stamp):
    return str(stamp.tz_localize(None))


@pytest.mark.parametrize(
    ("fitted", "later", "options"),
    [
        (offset, offset, []),
        (offset, wall, []),
        (wall, offset, ["--timezone", "Europe/Berlin"]),
        (wall, wall, ["--timezone", "Europe/Berlin"]),
    ],
)
@pytest.mark.parametrize("season", ["2024-07-01", "2024-12-05"])
def test_a_run_keeps_its_clock_for_every_later_file(tmp_path, fitted, later, options, season):
    year = in_zone(tmp_path / "year.csv", "2024-02-29 23:00", 7000, "Europe/Berlin", fitted)
    live = in_zone(tmp_path / "live.csv", season, 40, "Europe/Berlin", later)
    run, output = str(tmp_path / "run"), str(tmp_path / "next.csv")
    assert main(["fit", "--data", year, "--backbone", "ha", "--out", run, *options]) == 0
    assert main(["predict", run, "--data", live, "--output", output]) == 0
    table = pd.read_csv(output)
    instants = pd.to_datetime(table["time"], utc=True)
    shown = instants.dt.tz_convert("Europe/Berlin").dt.hour
    expected = 100 + 50 * (shown == 8) + 20 * (shown == 17)
    np.testing.assert_allclose(table["forecast"], expected * np.where(table["node"] == "b", 2, 1), atol=1e-3)
    assert instants[0] == pd.Timestamp(season, tz="UTC") + pd.Timedelta(hours=40)
    assert json.loads((tmp_path / "run" / "backbone" / "config.json").read_text())["timezone"] == "Europe/Berlin"


def test_a_file_with_a_zone_is_no_later_file_of_a_run_that_knows_none(tmp_path, capsys):
    winter = in_zone(tmp_path / "winter.csv", "2024-01-01", 1000, "Europe/Berlin", wall)
    live = in_zone(tmp_path / "live.csv", "2024-07-01", 40, "Europe/Berlin", offset)
    run, output = str(tmp_path / "run"), str(tmp_path / "next.csv")
    assert main(["fit", "--data", winter, "--backbone", "naive", "--out", run]) == 0
    capsys.readouterr()
    assert main(["predict", run, "--data", live, "--output", output]) == 2
    assert "--timezone" in one_error(capsys)
    assert main(["predict", run, "--data", live, "--timezone", "Europe/Berlin", "--output", output]) == 0
    assert pd.read_csv(output)["time"][0] == str(pd.Timestamp("2024-07-02 18:00"))


def test_every_command_that_reads_data_tells_what_was_assumed(tmp_path, capsys):
    data = in_zone(tmp_path / "a.csv", "2024-01-01", 2000, "UTC", offset)
    frame = pd.read_csv(data)
    frame.drop(index=range(100, 110)).to_csv(data, index=False)
    run, adapted, table = (str(tmp_path / name) for name in ("run", "adapted", "table"))
    small = ["--epochs", "1", "--train_fraction", "0.05"]
    for command in (
        ["fit", "--data", data, "--backbone", "lstm", "--out", run, *small],
        ["adapt", run, "--out", adapted, "--epochs", "1"],
        ["evaluate", adapted],
        ["predict", adapted, "--data", data, "--output", str(tmp_path / "next.csv")],
        ["compare", "--data", data, "--backbones", "naive", "--adapters", "none", "--seeds", "0", "--out", table],
        ["data", "convert", data, "--output", str(tmp_path / "b.csv")],
    ):
        assert main(command) == 0
        noted = capsys.readouterr().err
        assert noted.count("note: 10 of 2000 steps had no row") == 1, command


def test_a_place_that_cannot_be_written_is_one_line_and_status_2(network, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert main(["fit", "--data", str(network), "--backbone", "ha", "--out", str(tmp_path / "taken" / "run")]) == 2
    error = capsys.readouterr().err
    assert "taken" in error
    assert len(error.splitlines()) == 1


def test_a_time_that_cannot_be_read_is_one_line(network, tmp_path, capsys):
    options = ["fit", "--data", str(network), "--backbone", "ha", "--out", str(tmp_path / "run")]
    for time in ("gestern", "2012-13-45"):
        assert main([*options, "--start", time]) == 2
        assert f"start is {time!r}; expected a time such as 2024-01-31" in capsys.readouterr().err


def test_adapting_an_adapted_run_claims_no_gain_over_it(adapted, tmp_path, capsys):
    out = str(tmp_path / "again")
    assert main(["adapt", str(adapted), "--epochs", "1", "--out", out, "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "was left out: the new one stands on the bare backbone" in printed
    assert "average MAE -" not in printed
    assert "average MAE +" not in printed


def test_a_finished_run_is_not_overwritten(network, run, capsys):
    before = (run / "metrics.json").read_bytes()
    assert main(["fit", "--data", str(network), "--backbone", "lstm", "--out", str(run), *SMALL]) == 2
    assert "finished" in one_error(capsys)
    assert (run / "metrics.json").read_bytes() == before


def test_the_installed_command_sets_the_exit_status(network, tmp_path):
    done = command("data", "check", network)
    assert (done.returncode, done.stderr) == (0, "")
    done = command("data", "check", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def file_of(tmp_path, values, interval="1h", start="2024-03-04"):
    """A wide CSV of measurements ``[T, N]``."""
    frame = pd.DataFrame(values, columns=[f"s{i}" for i in range(values.shape[1])])
    frame.insert(0, "time", pd.date_range(start, periods=len(values), freq=interval))
    frame.to_csv(tmp_path / "values.csv", index=False)
    return str(tmp_path / "values.csv")


@pytest.mark.parametrize("test_value", [0.0, np.nan])
def test_what_cannot_be_measured_is_a_dash_and_no_defect(tmp_path, capsys, test_value):
    values = 50 + np.random.default_rng(1).normal(0, 5, (300, 2))
    values[230:, :] = test_value
    values[230:232, :] = values[298:, :] = 0.0  # something is seen, so that the series goes on
    data, alone, adapted = file_of(tmp_path, values), str(tmp_path / "alone"), str(tmp_path / "adapted")
    assert main(["fit", "--data", data, "--backbone", "naive", "--out", alone, "--zero_is_missing", "false"]) == 0
    assert "MAPE – %" in capsys.readouterr().out
    assert main(["adapt", alone, "--out", adapted, "--epochs", "1", "--device", "cpu"]) == 0
    assert main(["evaluate", adapted, "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["average"]["mape"] is None


def test_a_backbone_without_error_leaves_no_change_to_tell(run, tmp_path, capsys):
    alone, adapted = shutil.copytree(run, tmp_path / "alone"), tmp_path / "adapted"
    metrics = json.loads((alone / "metrics.json").read_text())
    metrics["average"]["mae"] = 0.0
    (alone / "metrics.json").write_text(json.dumps(metrics))
    assert main(["adapt", str(alone), "--out", str(adapted), "--epochs", "1", "--device", "cpu"]) == 0
    assert "\nthe adapter took " in capsys.readouterr().out
    assert main(["report", str(adapted)]) == 0


def test_steps_of_a_week_are_as_good_as_others(tmp_path):
    values = 50 + np.random.default_rng(3).normal(0, 5, (200, 3))
    data, small = file_of(tmp_path, values, "7D"), ["--history", "4", "--horizon", "3", "--device", "cpu"]
    alone, adapted = str(tmp_path / "alone"), str(tmp_path / "adapted")
    assert main(["fit", "--data", data, "--backbone", "stid", "--out", alone, "--epochs", "1", *small]) == 0
    assert main(["adapt", alone, "--out", adapted, "--epochs", "1", "--device", "cpu"]) == 0
    assert main(["report", adapted]) == 0
    assert main(["predict", adapted, "--data", data, "--output", str(tmp_path / "next.csv")]) == 0
    assert list(pd.read_csv(tmp_path / "next.csv")["time"].unique()) == ["2028-01-03", "2028-01-10", "2028-01-17"]


def test_seeds_that_are_one_number_are_one_line(network, tmp_path, capsys):
    out = str(tmp_path / "table")
    for seeds, told in (("0,00", "different"), ("0,x", "not a whole number")):
        given = ["--data", str(network), "--backbones", "naive", "--seeds", seeds, "--out", out]
        assert main(["compare", *given]) == 2
        assert told in one_error(capsys)


def test_the_seed_of_a_single_run_is_no_option_of_a_comparison(network, tmp_path, capsys):
    given = ["--data", str(network), "--backbones", "naive", "--seed", "7", "--out", str(tmp_path / "table")]
    assert main(["compare", *given]) == 2
    assert "seed is 7; a comparison takes --seeds, such as --seeds 7" in one_error(capsys)
    assert not (tmp_path / "table").exists()
