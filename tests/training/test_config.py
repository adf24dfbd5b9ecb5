"""Options out of range are refused before anything is read."""

from pathlib import Path

import numpy as np
import pytest

from stlora import InputError
from stlora.training import AdaptConfig, CompareConfig, FitConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("epochs", -1),
        ("patience", -1),
        ("batch_size", 0),
        ("weight_decay", -0.1),
        ("train_fraction", 0.0),
        ("train_fraction", float("inf")),
        ("train_fraction", float("nan")),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("optimizer", "sgd"),
        ("schedule", "linear"),
        ("clip", -1.0),
        ("epsilon", 0.0),
        ("decay", 1.5),
        ("decay_epochs", (3, 2)),
        ("decay_epochs", (0,)),
        ("curriculum", -1),
        ("warmup", -1),
        ("sampling", -1.0),
        ("device", "tpu"),
        ("precision", "16"),
    ],
)
def test_training_option_out_of_range_is_refused_by_every_verb(name, value):
    for make in (
        lambda **options: FitConfig(data="d", out="o", backbone="lstm", **options),
        lambda **options: AdaptConfig(run="r", out="o", **options),
        lambda **options: CompareConfig(data="d", out="o", backbones="lstm", **options),
    ):
        with pytest.raises(InputError, match=f"^{name} is .*; (expected|choose)"):
            make(**{name: value})


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": "3"},
        {"seed": 1.5},
        {"seed": True},
        {"learning_rate": "1e-3"},
        {"split": (0.6, 0.4)},
        {"data": None},
        {"backbone_options": [1]},
        {"history": "12"},
        {"zero_is_missing": "yes"},
        {"fill": "zero"},
    ],
)
def test_a_value_of_another_kind_is_refused_in_one_line(wrong):
    with pytest.raises(InputError) as caught:
        FitConfig(**{"data": "simulated", "backbone": "lstm", "out": "run", **wrong})
    assert str(caught.value).startswith(f"{next(iter(wrong))} is ")
    assert "\n" not in str(caught.value)


def test_lists_paths_and_numbers_of_numpy_are_taken():
    config = FitConfig(
        data=Path("net.csv"), backbone="lstm", out="run", seed=np.int64(3), split=[0.6, 0.2, 0.2], learning_rate=1
    )
    assert (config.data, config.seed, config.split, config.learning_rate) == ("net.csv", 3, (0.6, 0.2, 0.2), 1.0)
