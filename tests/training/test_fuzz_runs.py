"""A hundred damaged run folders: each verb ends in one line, or goes well."""

import os
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The script, and the folders that it damages copies of."""
    if not (BENCHMARKS / "fuzz_runs.py").is_file():
        pytest.skip("the benchmarks are not part of this copy")
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import fuzz_runs

        patch.chdir(root)
        patch.setattr(fuzz_runs.exporting, "write", fuzz_runs.exporting.write)  # put back at the end
        patch.setattr(fuzz_runs.exporting, "read", fuzz_runs.exporting.read)
        fuzz_runs.without_compiler()
        fuzz_runs.make(root)
        fuzz_runs.warm(root)
        yield fuzz_runs, root


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tens", range(10))
def test_damaged_folders(made, tens):
    fuzz, root = made
    assert Path(os.getcwd()) == root
    for index in range(10 * tens, 10 * tens + 10):
        assert fuzz.run_case(root, index, seed=7) in ("error", "well", "other"), index
