"""The facts of the catalogue agree with each other, and every entry is complete."""

import re
import subprocess
import sys

import pandas as pd
import pytest

from stlora.data import load_series, simulate
from stlora.data.catalogue.entries import catalogue, find, look_up
from stlora.data.readers import published
from stlora.data.split import sample_split
from stlora.errors import InputError

ENTRIES = list(catalogue().values())
FILES = [(entry, file) for entry in ENTRIES for file in entry.files]
DIGITS = {"md5": 32, "git": 40, "git-tree": 40, "sha256": 64}
each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def test_the_sets_of_the_field_are_there_with_their_sizes():
    sizes = {entry.name: (entry.nodes, entry.frames, entry.edges) for entry in ENTRIES}
    assert sizes == {
        "metr-la": (207, 34272, 1515),
        "pems-bay": (325, 52116, 2369),
        "pems03": (358, 26208, 1092),
        "pems04": (307, 16992, 680),
        "pems07": (883, 28224, 1732),
        "pems08": (170, 17856, 548),
        "largest-sd": (716, 35040, 17319),
        "largest-gba": (2352, 35040, 61246),
        "largest-gla": (3834, 35040, 98703),
        "largest-ca": (8600, 35040, 201363),
        "muenster-bikes": (46, 87552, None),
        "simulated": (40, 2688, 156),
    }


@each
def test_frames_fill_the_period(entry):
    step = pd.Timedelta(minutes=entry.interval_minutes)
    assert (entry.end - entry.start) / step + 1 == entry.frames + entry.absent_frames


@each
def test_windows_are_those_of_the_split(entry):
    if entry.windows is None:
        assert entry.ratios is None
        return
    split = sample_split(entry.frames, ratios=entry.ratios)
    assert (len(split.train), len(split.val), len(split.test)) == entry.windows


@pytest.mark.parametrize(
    ("name", "windows"),
    [
        ("metr-la", (23974, 3425, 6850)),
        ("pems-bay", (36465, 5209, 10419)),
        ("pems03", (15711, 5237, 5237)),
        ("pems04", (10181, 3394, 3394)),
        ("pems07", (16921, 5640, 5640)),
        ("pems08", (10700, 3567, 3566)),
    ],
)
def test_windows_are_those_of_the_published_tables(name, windows):
    assert look_up(name).windows == windows


@each
def test_every_fact_is_stated_in_one_line(entry):
    for fact in ("title", "unit", "zero", "missing", "graph", "split", "licence", "citation"):
        text = getattr(entry, fact)
        assert isinstance(text, str)
        assert text.strip()
        assert "\n" not in text
    assert all(isinstance(text, str) for text in (*entry.odd, *entry.by_hand))
    assert bool(entry.files) == bool(entry.by_hand)


@pytest.mark.parametrize(("entry", "file"), FILES, ids=lambda value: value.name)
def test_files_come_over_https_with_a_checksum(entry, file):
    assert all(url.startswith("https://") for url in file.urls)
    assert len(set(file.urls)) == len(file.urls)
    checksums = (*file.checksums, *file.quoted)
    assert bool(checksums) == bool(file.urls)
    for checksum in checksums:
        algorithm, _, digest = checksum.partition(":")
        assert re.fullmatch(rf"[0-9a-f]{{{DIGITS[algorithm]}}}", digest)


def test_names_and_aliases_mean_one_set_each_however_they_are_spelled():
    names = [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]
    assert [find(name.upper()) for name in names] == [entry for entry in ENTRIES for _ in (entry.name, *entry.aliases)]
    assert find("PeMS_BAY").name == "pems-bay"
    assert find("Münster").name == "muenster-bikes"
    assert find("data/pems04.npz") is None


def test_unknown_name_is_refused_with_the_nearest_or_all():
    with pytest.raises(InputError, match="'pems4'; did you mean pems04"):
        look_up("pems4")
    with pytest.raises(InputError, match="'beijing'; there are metr-la, pems-bay"):
        look_up("beijing")


def test_simulated_is_what_the_catalogue_says():
    entry, series = look_up("simulated"), simulate().series
    assert (series.num_nodes, series.num_steps, series.unit) == (entry.nodes, entry.frames, entry.unit)
    assert (series.time[0], series.time[-1]) == (entry.start, entry.end)
    assert (series.adjacency > 0).sum() - series.num_nodes == entry.edges


def test_readers_know_the_sets_without_dates_by_the_same_facts():
    for name in ("metr-la", "pems-bay", "pems03", "pems04", "pems07", "pems08"):
        entry, known = look_up(name), published.find(look_up(name).frames, look_up(name).nodes)
        assert (find(known.name), known.first_day, known.unit) == (entry, entry.start, entry.unit)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    return tmp_path / "stlora"


def test_set_that_is_not_here_says_how_to_get_it(cache):
    with pytest.raises(InputError, match=r"not on this machine; run: stlora data get metr-la, or put metr-la.h5 or "):
        load_series("METR-LA")
    with pytest.raises(InputError, match=r"largest-sd is not on this machine; put sd_his_2019.h5 .*kaggle.com"):
        load_series("sd")


def test_set_in_the_cache_is_read_by_name_with_its_facts(cache):
    (cache / "metr-la").mkdir(parents=True)
    (cache / "metr-la" / "METR-LA.csv").write_text("time,7,8\n2012-03-01 00:00,60,0\n2012-03-01 00:05,61,30\n")
    series = load_series("Metr_LA")
    assert (series.name, series.unit) == ("metr-la", "mph")
    assert series.observed.tolist() == [[True, False], [True, True]]  # zero is missing here, whatever the file's layout
    assert load_series("metr-la", zero_is_missing=False).observed.all()


def test_a_path_comes_before_a_name(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metr-la").mkdir()
    (tmp_path / "metr-la" / "mine.csv").write_text("time,a\n2024-01-01 00:00,0\n2024-01-01 00:15,2\n")
    assert load_series("metr-la").observed.all()


def run(*arguments):
    command = [sys.executable, "-m", "stlora.cli", "data", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_list_shows_every_set_and_which_is_here(tmp_path):
    (tmp_path / "pems04").mkdir()
    (tmp_path / "pems04" / "PEMS04.npz").write_bytes(b"x")
    result = run("list", "--root", str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert list(rows) == list(catalogue())
    assert "  yes  " in rows["pems04"]
    assert "  no  " in rows["pems08"]


def test_info_shows_the_facts_and_where_the_files_belong(tmp_path):
    result = run("info", "metr-la", "--root", str(tmp_path))
    assert result.returncode == 0
    for text in ("METR-LA", "207", "CC BY 4.0", "ICLR 2018", "https://", "(confirmed)", str(tmp_path / "metr-la")):
        assert text in result.stdout


def test_unknown_name_ends_with_status_2_and_one_line():
    result = run("get", "atlantis")
    assert result.returncode == 2
    assert re.fullmatch(r"stlora: error: no data set is called 'atlantis'; there are .*simulated\n", result.stderr)
