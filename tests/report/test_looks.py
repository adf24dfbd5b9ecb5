from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from stlora.report.looks import COLOURS, looks_of
from stlora.report.style import ADAPTED, ALONE, OTHERS

# Machado, Oliveira and Fernandes 2009, the full defects, on linear RGB
SEEN = {
    "by most": np.eye(3),
    "without red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "without green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "without blue cones": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def _lab(colour: str, seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of a colour as it is seen."""
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(TO_XYZ @ np.clip(seen @ linear, 0, 1) / np.array([0.9505, 1, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("who", SEEN)
def test_the_colours_are_told_apart(who: str) -> None:
    seen = [_lab(colour, SEEN[who]) for colour in (ALONE, ADAPTED, *OTHERS)]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 15


def test_the_first_names_have_colours_of_their_own_and_are_solid() -> None:
    looks = looks_of([f"n{number}" for number in range(COLOURS)])
    assert len({look.colour for look in looks.values()}) == COLOURS
    assert {look.dash for look in looks.values()} == {"-"}
    assert (looks["n0"].colour, looks["n1"].colour) == (ALONE, ADAPTED)


@pytest.mark.parametrize("sizes", [(32,), (5, 8), (6, 7, 3), (1, 12)])
def test_no_look_comes_twice(sizes: tuple[int, ...]) -> None:
    groups = [[f"{group}-{number}" for number in range(size)] for group, size in enumerate(sizes)]
    looks = looks_of(*groups)
    assert list(looks) == [name for names in groups for name in names]
    assert len({(look.colour, look.dash) for look in looks.values()}) == sum(sizes)
    assert len({(look.colour, look.marker) for look in looks.values()}) == sum(sizes)


def test_every_group_begins_with_dashes_of_its_own() -> None:
    looks = looks_of(["alone", "one"], ["other", "one"])
    assert [look.dash for look in looks.values()] == ["-", "-", "--"]
