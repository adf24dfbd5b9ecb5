"""The README's Python examples run, and print what it says they print."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```.*?```\n(.*?)```", README, flags=re.DOTALL)


def test_the_readme_has_its_examples():
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_prints_what_the_readme_says(number, tmp_path, monkeypatch):
    code, expected = EXAMPLES[number]
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    # Training is not equal to the last digit on every machine, so numbers are compared loosely.
    got, wanted = out.getvalue().split(), expected.split()
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        if re.fullmatch(r"[\d.,]+", other) and "." in other:
            assert float(one) == pytest.approx(float(other), rel=0.1)
        else:
            assert one == other
