"""Which folders a study can start from."""

import json
import shutil

import pytest

from stlora import InputError
from stlora.studies.sources import find_sources, groups_of
from stlora.training import CompareConfig, compare


def changed(folder, file, **entries):
    content = json.loads((folder / file).read_text())
    for part in (content, content.get("fit", content)):
        part.update((name, value) for name, value in entries.items() if name in part)
    (folder / file).write_text(json.dumps(content))


def test_runs_are_grouped_by_data_set_and_backbone(town):
    sources = find_sources(town.runs("north-0", "south-0", "north-1"))
    assert groups_of(sources) == [("north", "lstm"), ("south", "lstm")]
    assert [source.key for source in sources] == ["north-lstm-0", "south-lstm-0", "north-lstm-1"]


def test_of_a_comparison_the_trained_backbones_alone_are_taken(town, tmp_path):
    options = {"history": 4, "horizon": 3, "epochs": 1, "adapt_epochs": 1, "train_fraction": 0.2, "device": "cpu"}
    config = CompareConfig(data="d", backbones="lstm,naive", seeds="0,1", out=str(tmp_path), **options)
    compare(config, town.series[0])
    assert [(source.backbone, source.seed) for source in find_sources(str(tmp_path))] == [("lstm", 0), ("lstm", 1)]


def test_folders_without_a_trained_backbone_are_refused(town, finished, tmp_path):
    adapted = finished / "runs" / "north-lstm-0" / "rank-1"
    for given, message in (
        ("", "expected one or more different names"),
        (str(tmp_path), "holds no finished run; give the folder of a trained backbone"),
        (str(adapted), "holds lstm with stlora; give the run of the backbone alone"),
    ):
        with pytest.raises(InputError, match=message):
            find_sources(given)


def test_two_runs_of_one_seed_and_runs_of_other_windows_are_refused(town, tmp_path):
    shutil.copytree(town.folder / "north-0", tmp_path / "again")
    with pytest.raises(InputError, match="both hold lstm on north with seed 0; give one of them"):
        find_sources([str(town.folder / "north-0"), str(tmp_path / "again")])
    changed(tmp_path / "again", "metrics.json", seed=7)
    assert len(find_sources([str(town.folder / "north-0"), str(tmp_path / "again")])) == 2
    for name, value, said in (("purge", True, "False and True"), ("history", 5, "4 and 5")):
        changed(tmp_path / "again", "backbone/config.json", **{name: value})
        with pytest.raises(InputError, match=f"lstm on north differ in {name}: {said}"):
            find_sources([str(town.folder / "north-0"), str(tmp_path / "again")])
        changed(tmp_path / "again", "backbone/config.json", purge=False)
