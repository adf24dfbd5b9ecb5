"""The written form of a comparison: its tables with what a reader of them must know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stlora.evaluation.between import between_table
from stlora.evaluation.changes import Change, untested
from stlora.evaluation.failed import FailedRow, with_failed
from stlora.evaluation.rows import Row
from stlora.evaluation.tables import change_table, cost_table, error_table
from stlora.evaluation.writing import to_markdown
from stlora.training import models
from stlora.training.comparing.adapter_recipes import about_adapters
from stlora.training.comparing.failed import failed_rows
from stlora.training.versions import about_versions
from stlora.training.wrapping import runs_backbone


def page(
    rows: Sequence[Row],
    changes: Sequence[Change],
    others: Sequence[Change],
    protocol: dict[str, Any],
    failed: Mapping[str, str],
) -> str:
    """The tables as Markdown.

    Args:
        rows: of the tables.
        changes: of the rows against their backbones alone.
        others: of the default adapter against the other columns.
        protocol: of the comparison.
        failed: cells without a result, with their reason.
    """
    lost = failed_rows(failed)
    parts = [to_markdown(with_failed(error_table(rows), lost)), about_errors(protocol, rows, failed)]
    if changes:
        behind = [row for row in lost if row.adapter != "none"]
        parts += ["## What the columns changed\n", to_markdown(with_failed(change_table(changes), behind))]
        parts.append(about_changes(changes))
    if others:
        parts += ["## The default against the other columns\n", to_markdown(between_table(others))]
        parts.append(about_others(others))
    parts += ["## What they cost\n", to_markdown(with_failed(cost_table(rows), lost)), ABOUT_COSTS]
    parts += [f"Made with: {versions}.\n"] if (versions := about_versions(protocol)) else []
    return "\n".join([*parts, *(f"{name} failed: {reason}\n" for name, reason in failed.items())])


def about_errors(protocol: dict[str, Any], rows: Sequence[Row], failed: Mapping[str, str]) -> str:
    """What a reader must know of the table of errors.

    Args:
        protocol: of the comparison.
        rows: of the table.
        failed: cells without a result, with their reason.
    """
    options = protocol["options"]
    split = "/".join(f"{100 * share:g}" for share in options["split"])
    drawn = "all training windows"
    if options["train_fraction"] != 1:
        drawn = f"{100 * options['train_fraction']:.4g} % of the training windows, drawn anew, in every row"
    if options.get("train_latest", 1) < 1:
        drawn += f"; there were the latest {100 * options['train_latest']:g} % of them and nothing from before"
    epochs = ", ".join(sorted({str(recipe["epochs"]) for recipe in protocol["recipes"].values()}, key=int))
    trained = f"at most {epochs} epoch{'s' * (epochs != '1')} for a backbone, " if epochs else ""
    return (
        f"{protocol['dataset']}: {protocol['nodes']} sensors, {protocol['period'][0]} to {protocol['period'][1]}, one "
        f"step {protocol['interval']}{_graph(protocol)}; {options['history']} steps in, {options['horizon']} out; "
        f"split {split} % of the "
        f"windows in order of time{_shared(options)}. Test errors over observed targets, in "
        f"{protocol['unit'] or 'units of the data'}; "
        "MAPE without targets of 0; mean ± sample standard deviation over seeds (ddof = 1), without ± for a single "
        f"seed; Δ against the backbone alone, paired by seed.{''.join(_seed_notes(rows))} An epoch saw "
        f"{drawn}; {trained}{options['adapt_epochs']} for an adapter on a frozen one{_tuned(protocol)}; the weights of "
        "the best validation MAE are measured once "
        f"on the test windows.{_computed(options)}{''.join(_not_run(rows, failed))}{_without_chance(rows)}"
        f"{sizes_given(protocol)}{about_adapters(protocol)}\n"
    )


def _shared(options: Mapping[str, Any]) -> str:
    """What the parts have in common, if windows look further ahead than a step."""
    steps = options["horizon"] - 1
    if not steps:
        return ""
    if options.get("purge", False):
        return f", the last {steps} of training and of validation left out, so that no target step is in two parts"
    return f", of which neighbouring parts have {steps} target step{'s' * (steps > 1)} in common"


def _computed(options: Mapping[str, Any]) -> str:
    """Said where training was not in plain float32; earlier versions knew nothing else."""
    ways = ["in bfloat16"] * (options.get("precision", "32") == "bf16") + ["compiled"] * options.get("compile", False)
    return f" Networks were trained {', '.join(ways)}." if ways else ""


def _graph(protocol: dict[str, Any]) -> str:
    """Said where it was chosen and not taken as it lies with the data."""
    return f", graph {protocol['graph']}" if protocol.get("graph") else ""


def _tuned(protocol: dict[str, Any]) -> str:
    """Said where a column needs the backbone at every step of its training."""
    tuned = [name for name in protocol["adapters"] if runs_backbone(name)]
    if not tuned:
        return ""
    epochs = protocol["options"].get("tune_epochs") or "a third as many as the backbone"
    return f" ({', '.join(tuned)}: {epochs})"


def _seed_notes(rows: Sequence[Row]) -> Iterator[str]:
    """Said where rows do not have the same seeds."""
    most = max((row.seeds for row in rows), key=len, default=())
    fewer: dict[tuple[int, ...], dict[str, list[str]]] = {}
    for row in rows:
        if row.seeds != most:
            fewer.setdefault(row.seeds, {}).setdefault(row.backbone, []).append(row.column)
    columns = {name: [row.column for row in rows if row.backbone == name] for name in {row.backbone for row in rows}}
    for seeds, found in fewer.items():
        whole = [name for name, have in found.items() if have == columns[name]]
        named = [f"{name} {column}" for name, have in found.items() if name not in whole for column in have]
        named += [f"{'all' if named else 'All'} rows of {', '.join(whole)}"] if whole else []
        count = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''} ({', '.join(map(str, seeds))})"
        yield f" {'; '.join(named)} {'has' if len(named) == 1 and not whole else 'have'} {count}."


def _not_run(rows: Sequence[Row], failed: Mapping[str, str]) -> Iterator[str]:
    """Said where a backbone lacks a column that another one has."""
    lines: list[Row | FailedRow] = [*rows, *failed_rows(failed)]
    columns = dict.fromkeys(row.column for row in lines)
    lacking: dict[tuple[str, ...], list[str]] = {}
    for backbone in dict.fromkeys(row.backbone for row in lines if not models.is_baseline(row.backbone)):
        there = {row.column for row in lines if row.backbone == backbone}
        lacking.setdefault(tuple(column for column in columns if column not in there), []).append(backbone)
    lacking.pop((), None)
    if lacking:
        yield " A missing row, or an empty place where columns stand side by side, was not run:"
    for index, (absent, backbones) in enumerate(lacking.items()):
        yield f"{';' if index else ''} {', '.join(backbones)} without {', '.join(absent)}"
    if lacking:
        yield "."


def _without_chance(rows: Sequence[Row]) -> str:
    """Said of baselines that draw nothing."""
    names = dict.fromkeys(row.backbone for row in rows if models.is_baseline(row.backbone))
    fixed = [name for name in names if not models.takes(name, "seed")]
    if not fixed:
        return ""
    return f" {', '.join(fixed)}: calculated without chance, so that one seed stands for all."


def sizes_given(protocol: Mapping[str, Any]) -> str:
    """Said where a backbone is not of its published size."""
    given = {
        backbone: ", ".join(f"{name} {value}" for name, value in options.items())
        for backbone, options in protocol.get("backbone_options", {}).items()
    }
    return "".join(f" {backbone} with {sizes}." for backbone, sizes in given.items())


def about_changes(changes: Sequence[Change]) -> str:
    """What a reader must know of the table of changes."""
    text = "Against the backbone alone with the same seeds; negative is better."
    if reason := untested(changes):
        text += f" Whether any change is more than chance cannot be said: {reason}. So there is no p and no interval."
    else:
        text += (
            " p: Diebold–Mariano test of the errors of all test windows, differences averaged over the seeds; its "
            f"standard error has ν degrees of freedom. p Holm: corrected for the {corrected(changes)}. It speaks of "
            "these trained networks on other days, not of other trainings."
        )
    lengths = {(change.blocks, change.block_days) for change in changes if change.blocks}
    for blocks, days in sorted(lengths):
        each = "one day" if days == 1 else f"{days} days"
        known = any(change.interval for change in changes if change.blocks == blocks)
        text += f" 95 % interval of Δ: bootstrap over {blocks} blocks of {each}." if known else ""
    text += (
        " Δ validation: of the best validation MAE, by which weights and shares were chosen, so that it falls without "
        "being a gain. Worst sensor: the largest growth of an error, or the smallest fall, over all steps and seeds. "
        "Sensors improved: of those that have an observed test target."
    )
    missing: dict[str, list[str]] = {}
    for change in changes:
        if change.missing and not reason:
            missing.setdefault(change.missing, []).append(f"{change.backbone} {change.column}")
    for reason, names in missing.items():
        text += f" No test for {', '.join(names)}: {reason}."
    return text + "\n"


def corrected(changes: Sequence[Change]) -> str:
    """For how many tests p-values are corrected: rows without one do not count."""
    tests = sum("average" in change.tests for change in changes)
    return f"{tests} rows" if tests == len(changes) else f"{tests} rows that have one"


def about_others(others: Sequence[Change]) -> str:
    """What a reader must know of the table of the default against the other columns."""
    tests = "" if untested(others) else f" Tests and interval as above; p Holm: corrected for the {corrected(others)}."
    return (
        f"{others[0].column} against other columns of the same backbone and seeds; negative is in its favour.{tests} "
        "Sensors better: those whose error is lower than in that column, of the means over the seeds.\n"
    )


ABOUT_COSTS = (
    "added: trained parameters of the adapter. measured: numbers of single sensors that it keeps and does not train, "
    "such as typical days; empty: none. fit s: training of the backbone, of both in a joint row. adapt s: what came "
    "after it, the forecasts of a frozen backbone included. adapt / fit: the ratio of these two means. ms a window: "
    "the network alone on the test windows, in batches. memory MB: the most that the process held while the run was "
    "made, of 10⁶ bytes; both empty: not recorded by the version that made the run.\n"
)
