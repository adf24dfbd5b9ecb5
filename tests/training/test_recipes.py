"""Recipes: one for every backbone, settled in one place, kept in the run folder, and told as they are."""

import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml

from stlora import InputError, backbones
from stlora.cli import main
from stlora.training import AdaptConfig, FitConfig
from stlora.training.recipe import Recipe, RecipeChanges
from stlora.training.recipes import COMMON, PUBLISHED

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
NAMES = [part.name for part in fields(Recipe)]


def settled(backbone="lstm", **changes):
    return FitConfig(data="simulated", backbone=backbone, out="run", **changes).settled()


def numbers(plan):
    return {name: getattr(plan, name) for name in NAMES}


def test_every_backbone_has_a_recipe():
    assert list(PUBLISHED) == backbones.names()


def test_every_part_of_a_recipe_can_be_changed():
    whole, changes = get_type_hints(Recipe), get_type_hints(RecipeChanges)
    assert {name: kind | None for name, kind in whole.items()} == changes
    assert set(vars(RecipeChanges()).values()) == {None}


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_a_backbone_is_trained_by_its_published_recipe(backbone):
    plan = settled(backbone)
    assert numbers(plan) == asdict(PUBLISHED[backbone].recipe)
    assert plan.recipe == "published"


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_the_common_recipe_is_the_same_for_all(backbone):
    plan = settled(backbone, recipe="common")
    assert numbers(plan) == asdict(COMMON)
    assert plan.recipe == "common"


@pytest.mark.parametrize("backbone", ["ha", "naive", "svr", "my_models:small", "custom"])
def test_what_has_no_published_recipe_gets_the_common_one_and_says_so(backbone):
    plan = settled(backbone)
    assert (numbers(plan), plan.recipe) == (asdict(COMMON), "common")


def test_an_option_replaces_its_part_of_the_recipe_alone():
    changes = {"batch_size": 7, "clip": 0.0, "sampling": 0.0, "epochs": 0}
    assert numbers(settled("dcrnn", **changes)) == {**asdict(PUBLISHED["dcrnn"].recipe), **changes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schedule": "step"}, r"decay_epochs is \[\]; expected one number"),
        ({"schedule": "milestones"}, "decay_epochs is empty; expected numbers"),
        ({"warmup": 5}, "warmup is 5 and curriculum is 0"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(changes, reason):
    with pytest.raises(InputError, match=reason):
        settled("lstm", **changes)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(InputError, match="recipe is 'best'; choose one of published, common"):
        settled(recipe="best")


def test_an_adaptation_has_defaults_of_its_own():
    adapt = AdaptConfig(run="r", out="o")
    assert (adapt.epochs, adapt.optimizer, adapt.schedule, adapt.curriculum) == (20, "adamw", "cosine", 0)


def test_a_run_folder_keeps_the_settled_numbers(tiny, tmp_path):
    sizes = {"backbone": "stgcn", "backbone_options": {"kernel_size": 2, "temporal_channels": 4}, "history": 6}
    run = tiny.fit(tmp_path / "run", epochs=1, train_fraction=0.1, **sizes)
    stored = yaml.safe_load((run.folder / "config.yaml").read_text())
    expected = settled("stgcn", epochs=1, batch_size=32)
    assert {name: stored[name] for name in NAMES} == {**numbers(expected), "decay_epochs": [10]}
    assert stored["recipe"] == "published"
    assert run.record().fit["batch_size"] == 32


def test_a_stored_configuration_repeats_a_run_whatever_the_recipe_has_become(tiny, tmp_path, interrupt, monkeypatch):
    options = {"backbone": "stid", "backbone_options": {}}
    with pytest.raises(interrupt(epoch=2, batch=0)):
        tiny.fit(tmp_path / "run", **options)
    stored = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    monkeypatch.setitem(PUBLISHED, "stid", PUBLISHED["lstm"])
    with pytest.raises(InputError, match="unfinished run with other options"):
        tiny.fit(tmp_path / "run", **options)
    given = {name: value for name, value in stored.items() if name not in ("out", *tiny.options())}
    assert tiny.fit(tmp_path / "run", **given, **options).metrics["epochs"] == 3


def test_a_run_of_an_earlier_version_is_read_and_taken_up(tiny, tmp_path, interrupt):
    with pytest.raises(interrupt(epoch=2)):
        tiny.fit(tmp_path / "run", recipe="common")
    path = tmp_path / "run" / "config.yaml"
    stored = yaml.safe_load(path.read_text())
    new = ("epsilon", "decay", "decay_epochs", "curriculum", "warmup", "sampling", "recipe")
    path.write_text(yaml.safe_dump({name: value for name, value in stored.items() if name not in new}))
    assert tiny.fit(tmp_path / "run", recipe="common").metrics["epochs"] == 3


def test_the_help_explains_recipes(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "each backbone as its authors trained it" in text
    assert all(f"--{name}" in text for name in NAMES)


def test_print_config_leaves_the_recipe_to_be_settled(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "--data", "d", "--backbone", "lstm", "--out", "x", "--decay_epochs", "[2, 3]", "--print_config"])
    printed = yaml.safe_load(capsys.readouterr().out)
    assert (printed["recipe"], printed["epochs"], printed["decay_epochs"]) == ("published", None, [2, 3])


def _table(first):
    match = re.search(rf"^(\| {first} \|.*\n)\|[-|]+\|\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert match, f"no table that starts with {first}"
    lines = [match[1], *match[2].splitlines()]
    return [[cell.strip().strip("`") for cell in line.strip().strip("|").split("|")] for line in lines]


def _cell(recipe, name):
    value = getattr(recipe, name)
    if name in ("decay", "decay_epochs") and recipe.schedule in ("none", "cosine"):
        return "–"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "–"
    return value if isinstance(value, str) else f"{value:g}"


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation does not lie beside the tests")
def test_the_page_tells_the_numbers_of_the_code():
    recipes = {"common": COMMON, **{name: published.recipe for name, published in PUBLISHED.items()}}
    heading, *rows = _table("option")
    assert heading == ["option", *recipes]
    assert rows == [[name, *(_cell(recipe, name) for recipe in recipes.values())] for name in NAMES]


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation does not lie beside the tests")
def test_the_page_names_the_sources_of_the_code():
    sources = {name: source for name, source, _ in _table("backbone")[1:]}
    assert sources == {name: published.source for name, published in PUBLISHED.items()}
