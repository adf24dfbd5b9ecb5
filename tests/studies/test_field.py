"""Studies of a field: what is fitted, what is not fitted again, what is written."""

import json
import shutil

import pytest
import yaml

from stlora import InputError, STLoRAConfig
from stlora.studies import cells
from stlora.training import AdaptConfig, Run, adapt


def content(folder):
    return json.loads((folder / "study.json").read_text())


def test_every_cell_is_what_adapt_makes(finished, town, tmp_path):
    assert {path.parent.relative_to(finished / "runs").as_posix() for path in finished.rglob("metrics.json")} == {
        f"north-lstm-{seed}/rank-{rank}" for seed in (0, 1) for rank in (1, 2)
    }
    cell = Run(finished / "runs" / "north-lstm-1" / "rank-2")
    config = AdaptConfig(
        run=town.runs("north-1"),
        out=str(tmp_path / "by hand"),
        adapter_options={"rank": 2},
        seed=1,
        epochs=1,
        device="cpu",
    )
    by_hand = adapt(config, town.series[0])
    for name in ("average", "val_mae", "parameters", "seed", "mode"):
        assert cell.metrics[name] == by_hand.metrics[name]
    assert yaml.safe_load((cell.folder / "config.yaml").read_text())["adapter_options"] == {"rank": 2}


def test_numbers_are_those_of_the_runs(finished, town):
    stored = content(finished)
    mae = {seed: Run(town.folder / f"north-{seed}").metrics["average"]["mae"] for seed in (0, 1)}
    for point, rank in zip(stored["points"], (1, 2), strict=True):
        runs = [Run(finished / "runs" / f"north-lstm-{seed}" / f"rank-{rank}").metrics for seed in (0, 1)]
        changes = [100 * (run["average"]["mae"] / mae[run["seed"]] - 1) for run in runs]
        assert point["change_percent"]["mean"] == pytest.approx(sum(changes) / 2)
        assert point["change_percent"]["std"] == pytest.approx(abs(changes[0] - changes[1]) / 2**0.5)
        assert point["added_parameters"] == runs[0]["parameters"]["adapter"]
        assert (point["changes"], point["seeds"]) == ({"rank": rank}, [0, 1])
    best = min(stored["points"], key=lambda point: point["val_change_percent"]["mean"])
    assert [point["chosen"] for point in stored["points"]] == [point is best for point in stored["points"]]
    assert len(stored["cells"]) == 4
    assert len(stored["alone"]) == 2
    assert stored["protocol"]["recipe"]["epochs"] == 1
    assert stored["protocol"]["adapter"]["width"] == STLoRAConfig().width
    assert str(town.folder) not in json.dumps(stored)


def test_the_page_says_how_choices_are_made_and_the_figure_is_there(finished):
    page = (finished / "study.md").read_text()
    assert "| north | lstm | 1 | 2 |" in page
    assert "Choices are made by the validation column" in page
    assert page.count("by validation |") == 1
    assert (finished / "study.svg").read_text().lstrip().startswith("<?xml")
    assert (finished / "study.png").read_bytes().startswith(b"\x89PNG")


def test_finished_cells_are_not_run_again_and_more_may_come(finished, town, tmp_path, times):
    out = tmp_path / "study"
    shutil.copytree(finished, out)
    before = times(out)
    study = town.study(out, values="1,2,3", runs=("north-0", "north-1", "south-0"))
    assert study.failed == {}
    after = times(out)
    assert {path: after[path] for path in before} == before
    points = content(out)["points"]
    assert [(point["dataset"], point["form"]) for point in points] == [
        (dataset, f"rank {rank}") for dataset in ("north", "south") for rank in (1, 2, 3)
    ]
    assert [point["seeds"] for point in points[::3]] == [[0, 1], [0]]


def test_a_failed_cell_is_reported_and_the_others_go_on(town, tmp_path, monkeypatch):
    real = cells.adapt

    def failing(config, *given, **named):
        if config.adapter_options == {"rank": 1} and config.seed == 1:
            raise RuntimeError("out of luck")
        return real(config, *given, **named)

    monkeypatch.setattr(cells, "adapt", failing)
    study = town.study(tmp_path)
    assert study.failed == {"north lstm rank 1 seed 1": "RuntimeError: out of luck"}
    assert "north lstm rank 1 seed 1 failed: RuntimeError: out of luck" in (tmp_path / "study.md").read_text()
    stored = content(tmp_path)
    assert [(point["form"], point["seeds"]) for point in stored["points"]] == [("rank 1", [0]), ("rank 2", [0, 1])]
    assert [point["chosen"] for point in stored["points"]] == [False, True]  # only what has all seeds is chosen
    monkeypatch.undo()
    assert town.study(tmp_path).failed == {}
    assert content(tmp_path)["points"][0]["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapt_epochs": 2}, "holds a study with epochs=1 and this one has 2"),
        ({"adapter": "large"}, "holds a study with named=stlora and this one has large"),
        ({"adapter_options": {"width": 8}}, "holds a study with width=.* and this one has 8"),
        ({"field": "width"}, "holds a study with study=rank and this one has width"),
    ],
)
def test_a_folder_of_another_study_is_refused(finished, town, changes, message):
    with pytest.raises(InputError, match=message):
        town.study(finished, **changes)


def test_a_backbone_that_was_trained_anew_is_refused(finished, town, tmp_path):
    shutil.copytree(town.folder / "north-1", tmp_path / "north-0")
    for name in ("metrics.json", "backbone/config.json"):
        shutil.copy(town.folder / "north-0" / name, tmp_path / "north-0" / name)
    with pytest.raises(InputError, match="holds runs on another lstm with seed 0 on north"):
        town.study(finished, runs=(str(tmp_path / "north-0"),))


def test_choice_is_made_by_validation_alone(outcome_of):
    outcome = outcome_of({"a": {1: (-3.0, -9.0), 2: (-5.0, 4.0), 4: (None, -20.0)}})
    chosen = outcome.chosen(("a", "lstm"))
    assert chosen is not None
    assert chosen.design.name == "rank 2"
    assert outcome_of({"a": {1: (None, -1.0)}}).chosen(("a", "lstm")) is None
