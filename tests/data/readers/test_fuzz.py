"""Damaged files of every layout end in a clear error or a correct series."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def fuzz():
    """The benchmark that does the same a hundred thousand times."""
    if not (BENCHMARKS / "fuzz_readers.py").is_file():
        pytest.skip("the benchmarks are not part of this copy")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import fuzz_readers

        yield fuzz_readers


@pytest.fixture(scope="module")
def known(fuzz, tmp_path_factory):
    root = tmp_path_factory.mktemp("layouts")
    return root, fuzz.layouts(root)


@pytest.mark.filterwarnings("ignore")
@given(seed=st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_every_reader(fuzz, known, seed):
    root, found = known
    for layout in found:
        folder = root / layout.name.replace(" ", "-")
        original = layout.read(folder / layout.target)
        assert fuzz.read_one(layout, folder, np.random.default_rng(seed), original) in ("error", "read")


def test_every_layout_is_among_them_and_valid(fuzz, known):
    root, found = known
    kinds = [fuzz.check(layout.read(root / layout.name.replace(" ", "-") / layout.target)) for layout in found]
    assert kinds == ["read"] * len(found)
    assert len(found) >= 16


def test_harm_is_seen(fuzz, known, capsys):
    root, found = known

    def crash(_):
        raise KeyError("x")

    layout = fuzz.Layout("x", found[0].files, found[0].target, crash)
    folder = root / found[0].name
    assert fuzz.read_one(layout, folder, np.random.default_rng(0), None) == "crash"
    assert "KeyError" in capsys.readouterr().err
