"""The adapter's choices and their names."""

from dataclasses import asdict

import pytest

from stlora import InputError, STLoRAConfig


def test_paper_has_the_published_settings():
    published = {"node_factor": "full", "rank": 16, "width": 64, "layers": 4, "passes": 1, "fusion": "gate"}
    clockless = {"harmonics": 0, "weekday": False, "gaps": False}
    found = asdict(STLoRAConfig.paper())
    assert {name: found[name] for name in (*published, *clockless)} == {**published, **clockless}
    assert found["alpha"] / found["rank"] == 1


def test_names_give_their_configurations_with_changes_on_top():
    assert STLoRAConfig.named("stlora") == STLoRAConfig()
    assert STLoRAConfig.named("stlora", rank=7).rank == 7
    assert STLoRAConfig.named("paper", layers=2) == STLoRAConfig.paper(layers=2)
    shared = asdict(STLoRAConfig.named("shared", width=9))
    assert shared == {**asdict(STLoRAConfig()), "node_factor": "none", "width": 9}


@pytest.mark.parametrize("name", ["lora", "", "none"])
def test_unknown_name_is_refused(name):
    with pytest.raises(InputError, match="choose one of none, stlora, large, residual, paper, shared"):
        STLoRAConfig.named(name)


def test_unknown_option_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="no option 'ranks'; the options are node_factor, rank"):
        STLoRAConfig.named("paper", ranks=3)


@pytest.mark.parametrize(
    "changes",
    [
        {"fusion": "sum"},
        {"rank": "4"},
        {"width": 4.5},
        {"alpha": None},
        {"gaps": "no"},
        {"predictors": 0},
        {"layers": -1},
        {"passes": 0},
        {"width": 0},
        {"harmonics": -1},
        {"dropout": 1.0},
        {"dropout": -0.1},
    ],
)
def test_value_out_of_range_is_refused_by_its_name(changes):
    with pytest.raises(InputError, match=next(iter(changes))):
        STLoRAConfig(**changes)
