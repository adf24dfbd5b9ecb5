"""Few data: the same steps on ever fewer windows."""

import json

import pytest

from stlora import InputError
from stlora.studies import FewShotConfig, few_shot_study
from stlora.training.task import ForecastTask

OPTIONS = {
    "data": "simulated",
    "backbones": "lstm",
    "seeds": "0",
    "adapters": "none,shared",
    "history": 4,
    "horizon": 3,
    "epochs": 1,
    "adapt_epochs": 1,
    "device": "cpu",
}


@pytest.fixture
def steps(monkeypatch):
    """The windows of every training step, by the number of training windows that there are."""
    seen = {}
    step = ForecastTask.training_step

    def training_step(self, start, batch_idx):
        seen.setdefault(len(self.split.train), []).append(start.tolist())
        return step(self, start, batch_idx)

    monkeypatch.setattr(ForecastTask, "training_step", training_step)
    return seen


def test_every_share_has_the_same_steps_on_the_latest_windows(town, tmp_path, steps, times):
    config = FewShotConfig(shares="1,0.3", out=str(tmp_path), **OPTIONS)
    study = few_shot_study(config, town.series[0])
    assert study.failed == {}
    few, whole = sorted(steps)
    assert few == round(0.3 * whole)
    assert [len(step) for step in steps[few]] == [len(step) for step in steps[whole]]
    assert min(start for step in steps[few] for start in step) == whole - few
    points = json.loads((tmp_path / "study.json").read_text())["points"]
    assert [(point["share"], point["training_windows"], point["adapter"]) for point in points] == [
        (share, count, adapter) for share, count in ((0.3, few), (1.0, whole)) for adapter in ("none", "shared")
    ]
    page = (tmp_path / "study.md").read_text()
    assert f"| lstm | alone | 30 % | {few} | 1 |" in page
    assert "same number of optimizer steps" in page
    assert (tmp_path / "study.png").exists()
    before = times(tmp_path)
    again = few_shot_study(config, town.series[0])
    assert times(tmp_path) == before
    assert again.tables == study.tables


@pytest.mark.parametrize("shares", ["0,1", "1.5", "half", "0.1,0.1", ""])
def test_shares_that_are_none_are_refused(town, tmp_path, shares):
    with pytest.raises(InputError, match=r"expected (numbers above 0, at most 1|one or more different)"):
        few_shot_study(FewShotConfig(shares=shares, out=str(tmp_path), **OPTIONS), town.series[0])


def test_a_share_given_elsewhere_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"train_latest is 0.5 and this study sets it; give .* as --shares"):
        FewShotConfig(train_latest=0.5, out=str(tmp_path), **OPTIONS)
