"""Clock channels that hold something else are told by the backbones that look them up."""

import pytest
import torch

from stlora import InputError, backbones


@pytest.mark.parametrize("name", ["stid", "staeformer", "d2stgnn"])
@pytest.mark.parametrize(
    ("channel", "value", "said"),
    [
        (1, 17.0, r"channel 1 of the history holds 17; expected the time of day in \[0, 1\)"),
        (1, -0.5, "channel 1 of the history holds -0.5"),
        (1, float("nan"), "channel 1 of the history holds nan"),
        (2, 6.0, "channel 2 of the history holds 6; expected the day of the week / 7"),
        (2, -1 / 7, "channel 2 of the history holds -0.142857"),
    ],
)
def test_clock_out_of_range_is_one_line(name, channel, value, said):
    model = backbones.create(name, num_nodes=3, adjacency=torch.ones(3, 3))
    x = torch.zeros(2, 12, 3, 3)
    model(x)
    x[1, 5:, :, channel] = value
    with pytest.raises(InputError, match=said) as caught:
        model(x)
    assert "\n" not in str(caught.value)
