"""Options out of range are refused before anything is read."""

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
