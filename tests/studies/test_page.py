"""The page on studies says what there is."""

import re
import shlex
from pathlib import Path

import pytest

from stlora.verbs.parser import verb_parser
from stlora.verbs.studies import study_verbs

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation does not lie beside the tests")
def test_every_command_of_the_page_is_one():
    commands = re.findall(r"^\$ stlora study (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    seen = set()
    for command in commands:
        name, *options = shlex.split(command)
        assert verb_parser(study_verbs()[name]).parse_args(options).out.startswith("runs/")
        seen.add(name)
    assert seen >= {"rank", "transfer", "fewshot"}


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation does not lie beside the tests")
def test_fields_that_the_page_names_are_studied():
    (row,) = re.findall(r"^\| the name of a field: (.*?) … \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"`(\w+)`", row)
    assert len(named) > 5
    assert set(named) <= set(study_verbs())
