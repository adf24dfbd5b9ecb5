"""Options given by name are checked before anything is built with them."""

import numpy as np
import pytest

from stlora import backbones, baselines, rivals
from stlora.errors import InputError
from stlora.named_options import check_kind


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: backbones.create("lstm", 5, hidden_size="many"), "hidden_size of lstm is 'many'; expected a whole"),
        (lambda: backbones.create("lstm", 5, hidden_size=2.5), "hidden_size of lstm is 2.5; expected a whole number"),
        (lambda: backbones.create("lstm", 5, dropout=True), "dropout of lstm is True; expected a number"),
        (
            lambda: backbones.create("lstm", 5, hidden=3),
            "lstm has no option 'hidden'; it has in_channels, input_size",
        ),
        (lambda: backbones.create("lstm", 5, hidden_size=-1, num_layers=1), "cannot be made with hidden_size=-1, num_"),
        (lambda: baselines.create("var", 5, order="2"), "order of var is '2'; expected a whole number"),
        (lambda: rivals.create("clora", backbones.create("lstm", 5), 5, rank="r"), "rank of clora is 'r'; expected"),
    ],
)
def test_a_wrong_option_is_one_line(make, told):
    with pytest.raises(InputError) as caught:
        make()
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("value", "annotation"), [(np.int64(3), "int"), (np.float32(3), "float"), (3, "float")])
def test_numbers_of_numpy_are_numbers(value, annotation):
    check_kind("it", value, annotation)


def test_a_defect_without_options_stays_a_defect(monkeypatch):
    def fails(self, **sizes):
        raise RuntimeError("a defect")

    monkeypatch.setattr("stlora.backbones.lstm.LSTM.__init__", fails)
    with pytest.raises(RuntimeError, match="a defect"):
        backbones.create("lstm", 5)
