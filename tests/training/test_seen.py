"""What an adapter sees, kept for all windows, against what it sees window by window."""

import pytest
import torch

from stlora import STLoRA, STLoRAConfig
from stlora.training import seen as room
from stlora.training.prepare import open_run
from stlora.training.seen import SeenWindows, keep_seen


@pytest.fixture
def data(tiny, fitted):
    return open_run(fitted.record(), tiny.series)


def wrapped(fitted, data, **choices):
    """A network whose every weight was drawn and whose profile was measured."""
    torch.manual_seed(0)
    model = STLoRA(fitted.load_backbone(), 6, STLoRAConfig(**{"freeze_backbone": True, **choices}))
    train = slice(0, data.split.train.stop)
    model.learn_profile(
        data.scaler.transform(torch.from_numpy(data.series.values[train].copy())), data.windows._clock[train]
    )
    with torch.no_grad():
        for parameter in model.adapter.parameters():
            parameter.normal_(0, 0.1)
    return model


@pytest.mark.parametrize("choices", [{}, {"profile": 0, "neighbours": 0}])
def test_forecasts_from_what_was_kept_are_those_from_the_windows(fitted, data, monkeypatch, choices):
    monkeypatch.setattr(room, "AT_ONCE", 7)  # the last ones are fewer
    model, starts = wrapped(fitted, data, **choices), data.split.val
    kept = SeenWindows(model.adapter, data.windows, starts)
    for some in ([starts.start], [starts.stop - 1, starts.start, starts.start + 7], list(starts)):
        start = torch.tensor(some)
        with torch.no_grad():
            forecast = kept.forecast(start)
            torch.testing.assert_close(forecast, model.adapter.own_forecast(data.windows.inputs(start)))
        assert forecast.std() > 0.1


@pytest.mark.parametrize(
    ("choices", "passes", "kept"),
    [
        ({}, 2, True),
        ({"fusion": "own"}, 2, True),
        ({}, 1.5, False),  # what is looked at once need not be kept
        ({"predictors": 2}, 20, False),  # the second one sees a draft that is trained
        ({"fusion": "residual"}, 20, False),
        ({"freeze_backbone": False}, 20, False),
    ],
)
def test_it_is_kept_where_it_is_all_that_is_needed(fitted, data, choices, passes, kept):
    splits = {True: data.split.train, False: data.split.val}
    found = keep_seen(wrapped(fitted, data, **choices), data.windows, splits, passes)
    assert found.keys() == (splits.keys() if kept else set())


def test_it_is_kept_where_it_finds_room(fitted, data, monkeypatch):
    model, splits = wrapped(fitted, data), {True: data.split.train, False: data.split.val}
    whole = sum(each.nbytes for seen in keep_seen(model, data.windows, splits, 20).values() for each in seen._seen)
    for spare, kept in ((0, True), (-1, False)):
        monkeypatch.setattr(room, "ROOM", whole + spare)
        assert bool(keep_seen(model, data.windows, splits, 20)) is kept


def test_an_adapter_learns_the_same_without_room(tiny, fitted, adapted, tmp_path, monkeypatch):
    made = []
    once = SeenWindows.__init__
    monkeypatch.setattr(SeenWindows, "__init__", lambda self, *given: made.append(1) or once(self, *given))
    with_room = tiny.adapt(fitted, tmp_path / "with")
    assert len(made) == 2  # training and validation windows
    monkeypatch.setattr(room, "ROOM", 0)
    without = tiny.adapt(fitted, tmp_path / "without")
    assert len(made) == 2
    assert with_room.metrics["val_mae"] == pytest.approx(without.metrics["val_mae"], rel=1e-4)
    assert with_room.metrics["average"]["mae"] == pytest.approx(without.metrics["average"]["mae"], rel=1e-3)
    assert with_room.metrics["average"] == adapted.metrics["average"]
