"""Which fields and values can be studied, and which are refused."""

import pytest

from stlora import InputError, STLoRAConfig
from stlora.studies import FieldStudyConfig, TransferConfig
from stlora.studies.designs import designs_of, grid_designs, own_values, studied_fields


def options(**changes):
    return FieldStudyConfig(runs="r", out="o", **changes)


@pytest.mark.parametrize("field", studied_fields())
def test_every_field_has_values_of_its_own_and_its_default_is_among_the_kind(field):
    designs = designs_of(field, None, options())
    values = [design.changes[field] for design in designs]
    assert len(values) > 1
    assert all(isinstance(STLoRAConfig(**{field: value}), STLoRAConfig) for value in values)
    assert len({design.folder for design in designs}) == len(values)


def test_the_default_form_is_among_the_values_that_are_tried():
    missed = [field for field in studied_fields() if getattr(STLoRAConfig(), field) not in own_values(field)]
    assert missed == []


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("rank", "1, 4", [1, 4]),
        ("rank", 4, [4]),
        ("rank", [2, 8], [2, 8]),
        ("gaps", "true,false", [True, False]),
        ("gaps", True, [True]),
        ("dropout", "0,0.5", [0, 0.5]),
        ("node_factor", "none,full", ["none", "full"]),
    ],
)
def test_values_are_read_as_the_command_line_gives_them(field, given, expected):
    assert [design.changes[field] for design in designs_of(field, given, options())] == expected


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ("ranks", None, "no study is called 'ranks'; choose one of node_factor, rank"),
        ("freeze_backbone", None, "no study is called"),
        ("rank", "1,many", "rank is 'many'; expected a whole number"),
        ("rank", "true", "'true' is no value of rank; expected numbers"),
        ("rank", "1,1", "expected one or more different names"),
        ("rank", "", "expected one or more different names"),
        ("rank", [1, 1], "name each once"),
        ("node_factor", "ful", "'ful' is no value of node_factor; choose of full, core"),
        ("gaps", "1", "gaps is 1; expected true or false"),
        ("profile", "0,8", "neighbours=8 are found by departures"),
    ],
)
def test_what_is_no_value_of_a_field_is_refused_in_one_line(field, given, message):
    with pytest.raises(InputError) as error:
        designs_of(field, given, options())
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_other_options_of_the_adapter_hold_for_all_values():
    designs = designs_of("profile", "0,8", options(adapter_options={"neighbours": 0}))
    assert [design.name for design in designs] == ["profile 0", "profile 8"]
    with pytest.raises(InputError, match="no option 'ranks'"):
        designs_of("rank", "1", options(adapter_options={"ranks": 0}))


def test_a_grid_has_every_combination_and_the_adapter_as_it_is_named_once():
    config = TransferConfig(runs="r", out="o", grid={"rank": [2, 4], "width": [8, 16]}, adapter_options={"width": 16})
    rank = STLoRAConfig().rank
    assert rank in (2, 4)
    names = [design.name for design in grid_designs(config.grid, config)]
    every = ["rank 2, width 8", "rank 2, width 16", "rank 4, width 8", "rank 4, width 16"]
    assert names == ["stlora", *(name for name in every if name != f"rank {rank}, width 16")]


@pytest.mark.parametrize("grid", [{}, {"rank": []}, {"ranks": [1]}])
def test_a_grid_of_nothing_is_refused(grid):
    config = TransferConfig(runs="r", out="o", grid=grid)
    with pytest.raises(InputError, match="expected fields with lists of values"):
        grid_designs(config.grid, config)
