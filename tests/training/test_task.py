"""Batches and the two ways to forecast."""

import pytest
import torch

from stlora.adapters import STLoRA, STLoRAConfig
from stlora.training import AdaptConfig
from stlora.training import batches as room
from stlora.training.batches import IndexBatches, windows_at_once
from stlora.training.forecasts import forecasts
from stlora.training.kept import keep_forecasts
from stlora.training.prepare import open_run
from stlora.training.task import AdaptTask, ForecastTask


def flat(batches):
    return torch.cat(list(batches)).tolist()


def test_batches_in_order_cover_everything_and_keep_the_last():
    batches = IndexBatches(range(5, 16), 4)
    assert len(batches) == 3
    assert [len(batch) for batch in batches] == [4, 4, 3]
    assert flat(batches) == list(range(5, 16))


def test_shuffled_batches_cover_everything_and_follow_the_seed():
    first, again, other = (IndexBatches(range(5, 105), 8, seed) for seed in (1, 1, 2))
    assert sorted(flat(first)) == list(range(5, 105))
    assert flat(first) == flat(again)
    assert flat(first) != flat(other)
    assert flat(first) != list(range(5, 105))


def test_fraction_draws_anew_for_each_seed_without_repeats():
    draws = [flat(IndexBatches(range(100), 8, seed, fraction=0.2)) for seed in range(100)]
    assert all(len(set(draw)) == len(draw) == 20 for draw in draws)
    assert set().union(*draws) == set(range(100))
    assert len(flat(IndexBatches(range(3), 8, 0, fraction=0.01))) == 1


def test_fraction_above_one_goes_through_all_windows_before_any_comes_again():
    draw = flat(IndexBatches(range(5, 15), 4, seed=0, fraction=2.5))
    assert sorted(draw[:10]) == sorted(draw[10:20]) == list(range(5, 15))
    assert draw[:10] != draw[10:20]
    assert len(draw) == 25
    assert draw[:10] == flat(IndexBatches(range(5, 15), 4, seed=0))


def test_fraction_of_the_windows_makes_fewer_steps(tiny, tmp_path, monkeypatch):
    seen = []
    step = ForecastTask.training_step

    def training_step(self, start, batch_idx):
        seen.extend((self.current_epoch, int(index)) for index in start)
        return step(self, start, batch_idx)

    monkeypatch.setattr(ForecastTask, "training_step", training_step)
    tiny.fit(tmp_path / "run", train_fraction=0.25, epochs=2)
    windows = round(0.7 * (tiny.series.num_steps - 4 - 3 + 1))
    first, second = ({index for epoch, index in seen if epoch == wanted} for wanted in (0, 1))
    assert len(first) == len(second) == round(0.25 * windows)
    assert first != second
    assert max(first | second) < windows


@pytest.mark.parametrize("fusion", ["share", "residual"])
def test_kept_forecasts_are_those_of_the_network(tiny, fitted, tmp_path, fusion):
    data = open_run(fitted.record(), tiny.series)
    model = STLoRA(fitted.load_backbone(), 6, STLoRAConfig(fusion=fusion, freeze_backbone=True))
    with torch.no_grad():
        for parameter in model.adapter.parameters():
            parameter.normal_(0, 0.1)
    train, val = (
        keep_forecasts(model.backbone, data, starts, tmp_path, batch_size=17).forecasts
        for starts in (data.split.train, data.split.val)
    )
    assert train.shape == (len(data.split.train), 3, 6, 1)
    options = AdaptConfig(run="", out="")
    task = AdaptTask(model, data.windows, data.split, options, val, train)
    plain = ForecastTask(model, data.windows, data.split, options)
    for training, windows in ((True, data.split.train), (False, data.split.val)):
        model.train(training)
        starts = torch.tensor([windows.start, windows.start + 3, windows.stop - 1])
        x = data.windows.inputs(starts)
        torch.testing.assert_close(
            task.backbone_forecast(x, starts), plain.backbone_forecast(x, starts), rtol=1e-5, atol=1e-5
        )
        (quick,), (slow,) = task(starts), plain(starts)
        torch.testing.assert_close(quick, slow, rtol=1e-5, atol=1e-4)
        assert quick.std() > 1


def test_forecasts_come_in_order_and_in_evaluation_mode(tiny, fitted):
    data = open_run(fitted.record(), tiny.series)
    model = fitted.load_backbone().train()
    starts, scaled = zip(*forecasts(model, data.windows, data.split.test, batch_size=10), strict=True)
    assert torch.cat(starts).tolist() == list(data.split.test)
    assert not model.training
    again = torch.cat([answer for _, answer in forecasts(model, data.windows, data.split.test, batch_size=10)])
    assert torch.equal(torch.cat(scaled), again)


def test_a_processor_forecasts_few_windows_at_once_and_a_gpu_the_batch(tiny, fitted, monkeypatch):
    data, model = open_run(fitted.record(), tiny.series), fitted.load_backbone()
    whole = torch.cat([scaled for _, scaled in forecasts(model, data.windows, data.split.test, batch_size=10)])
    monkeypatch.setattr(room, "NODES_AT_ONCE", 3 * 6 + 5)  # three windows of six nodes, not four
    parts = [scaled for _, scaled in forecasts(model, data.windows, data.split.test, batch_size=10)]
    assert {len(part) for part in parts[:-1]} == {3}
    torch.testing.assert_close(torch.cat(parts), whole)
    assert windows_at_once(10, 6, torch.device("cuda")) == 10
    assert windows_at_once(10, 1000, torch.device("cpu")) == 1
