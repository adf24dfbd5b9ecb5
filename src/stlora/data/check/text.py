"""The facts about a series as a page for the terminal."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

WIDTH = 100  # of the text beside the labels
MOST_SENTINELS = 5


def format_description(facts: dict[str, Any]) -> str:
    """The result of :func:`stlora.data.check.description.describe` as text of about 40 lines.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from stlora.data.check.description import describe
        >>> from stlora.data.series import SensorSeries
        >>> series = SensorSeries(np.ones((2, 1)), pd.date_range("2024-01-01", periods=2, freq="1h"), ("a",))
        >>> print(format_description(describe(series)).splitlines()[0])
        series: 1 sensors, 2 steps of 01:00:00
    """
    rows = [
        ("period", f"{facts['start']} to {facts['end']}"),
        ("unit", facts["unit"] or "not stated"),
        *_missing(facts),
        *_clock_changes(facts["clock_changes"]),
        ("zeros", f"{facts['zero_share']:.2%} of the observed values"),
        *_negative(facts),
        *_doubts(facts),
        *_graph(facts),
        ("coordinates", "yes" if facts["coordinates"] else "none"),
        ("windows 12+12", _windows(facts["windows"])),
        *(("read", note) for note in facts["notes"]),
        *(("library", f"{finding}: {sentence}") for finding, sentence in facts["treatment"].items()),
    ]
    title = f"{facts['name']}: {facts['nodes']} sensors, {facts['steps']} steps of {facts['interval']}"
    lines, previous = [title], ""
    for label, text in rows:
        for line in wrap(text, WIDTH, break_on_hyphens=False):
            lines.append(f"  {'' if label == previous else label:<14} {line}")
            previous = label
    return "\n".join(lines)


Rows = list[tuple[str, str]]


def some(names: list[str]) -> str:
    """The first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _missing(facts: dict[str, Any]) -> Rows:
    missing, gaps, network = facts["missing"], facts["gaps"], facts["network_gaps"]
    rows = [("missing", f"{missing['share']:.2%} of all values")]
    if missing["worst"]:
        worst = ", ".join(f"{entry['node']} {entry['share']:.1%}" for entry in missing["worst"])
        rows.append(("missing", f"most: {worst}"))
        rows.append(("missing", _by_share(list(missing["by_node"].values()))))
    if gaps["longest"]:
        longest = gaps["longest"]
        rows.append(("gaps", f"{gaps['count']}; longest {_span(longest)} at {longest['node']}"))
    if network["longest"]:
        rows.append(
            (
                "network gaps",
                f"{network['count']} over {network['steps']} steps, all sensors at once; "
                f"longest {_span(network['longest'])}",
            )
        )
    return rows


def _by_share(shares: list[float]) -> str:
    """How many sensors miss how much."""
    bounds = (0.01, 0.05, 0.2, 0.5)
    counts = [sum(share > bound for share in shares) for bound in bounds]
    parts = ", ".join(f"{count} above {bound:.0%}" for bound, count in zip(bounds, counts, strict=True))
    return f"sensors by their share: {sum(share == 0 for share in shares)} complete, {parts}"


def _clock_changes(changes: dict[str, Any] | None) -> Rows:
    if changes is None:
        return []
    kind = "evenly spaced in real time" if changes["real_time"] else "wall clock"
    rows = [("clock", f"{kind} of {changes['clock']}")]
    if changes["skipped"]:
        silent = "skipped" if changes["real_time"] else "skipped, all sensors silent"
        rows.append(("clock", f"{silent}: the hour from {some(changes['skipped'])}"))
    if changes["repeated"]:
        hours = [
            hour["time"] + (f" ({hour['usual']:.1f} times the usual sum)" if hour["usual"] is not None else "")
            for hour in changes["repeated"]
        ]
        once = "shown twice" if changes["real_time"] else "shown twice, stands once"
        rows.append(("clock", f"{once}: the hour from {some(hours)}"))
    return rows


def _span(gap: dict[str, Any]) -> str:
    return f"{gap['steps']} steps ({gap['duration']}) from {gap['start']}"


def _negative(facts: dict[str, Any]) -> Rows:
    return [("negative", f"{facts['negative_share']:.2%} of the observed values")] if facts["negative_share"] else []


def _doubts(facts: dict[str, Any]) -> Rows:
    rows: Rows = []
    if facts["unobserved"]:
        rows.append(("never observed", some(facts["unobserved"])))
    if facts["constant"]:
        rows.append(("constant", some(facts["constant"])))
    rows.append(("stuck", _held(facts["stuck"], "one non-zero value")))
    if facts["silent"]["count"]:
        rows.append(("silent", _held(facts["silent"], "nothing but zeros")))
    rows += [("sentinels", _sentinel(found)) for found in facts["sentinels"][:MOST_SENTINELS]]
    if facts["cumulative"]:
        rows.append(("cumulative", f"only rise, as readings of meters do: {some(facts['cumulative'])}"))
    outliers = facts["outliers"]
    text = f"{outliers['count']} values over 3 times as far from the median as the sensor's 1st or 99th percentile"
    if facts["sentinels"]:
        text += ", sentinels among them"
    if outliers["worst"]:
        worst = outliers["worst"]
        text += f"; worst {worst['value']:g} at {worst['node']}, {worst['time']}"
    rows.append(("outliers", text))
    rows += [("same values", some(group)) for group in facts["duplicates"][:3]]
    return rows


def _sentinel(found: dict[str, Any]) -> str:
    return (
        f"{found['value']:.9g} seems to mark missing values: {found['count']} times at {some(list(found['by_node']))}"
    )


def _held(found: dict[str, Any], what: str) -> str:
    text = f"{found['count']} times {what} for {found['minimum_steps']} steps or more"
    if found["longest"]:
        longest = found["longest"]
        text += (
            f", {found['nodes']} sensors; longest {longest['steps']} steps of {longest['value']:g} "
            f"at {longest['node']} from {longest['start']}"
        )
    return text


def _graph(facts: dict[str, Any]) -> Rows:
    graph = facts["graph"]
    if graph is None:
        return [("graph", "none")]
    direction = "symmetric" if graph["symmetric"] else f"directed, {graph['one_way_edges']} one-way"
    rows = [
        (
            "graph",
            f"{graph['edges']} edges ({direction}), mean degree {graph['mean_degree']:.1f}, "
            f"{graph['components']} components, {graph['self_loops']} self loops",
        )
    ]
    if graph["isolated"]:
        rows.append(("graph", f"without neighbours: {some(graph['isolated'])}"))
    return rows


def _windows(windows: dict[str, int] | None) -> str:
    if windows is None:
        return "none: the series is too short to train, validate and test on"
    return f"{windows['train']} train, {windows['val']} validation, {windows['test']} test (7:1:2)"
