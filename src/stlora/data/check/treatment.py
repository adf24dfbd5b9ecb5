"""What the library does about what a check of the data finds, and what its user can do."""

from __future__ import annotations

from typing import Any

RARE = 0.05  # share of negative values that may be errors


def treatment(facts: dict[str, Any]) -> dict[str, str]:
    """A sentence for each finding that is there.

    Args:
        facts: what :func:`stlora.data.check.description.describe` found.
    """
    found = {
        "missing": facts["missing"]["share"] > 0,
        "network gaps": facts["network_gaps"]["count"] > 0,
        "never observed": bool(facts["unobserved"]),
        "constant": bool(facts["constant"]),
        "stuck": facts["stuck"]["count"] > 0,
        "silent": facts["silent"]["count"] > 0,
        "sentinels": bool(facts["sentinels"]),
        "cumulative": bool(facts["cumulative"]),
        "negative": 0 < facts["negative_share"] < RARE,
        "outliers": facts["outliers"]["count"] > 0,
        "same values": bool(facts["duplicates"]),
        "zeros": facts["zero_share"] > 0,
    }
    sentences = {finding: _SENTENCES[finding] for finding, there in found.items() if there}
    return sentences | _clock(facts["clock_changes"]) | _graph(facts["graph"], facts["graphs_to_make"])


_SENTENCES = {
    "missing": "left out of loss, metrics and scaling; filled in model inputs alone (fill: last, linear or profile).",
    "network gaps": "windows whose targets lie in them count for nothing; no window is left out.",
    "never observed": "forecasts that nothing can score; leave the sensors out with max_missing.",
    "constant": "kept; leave out sensors that you do not trust.",
    "stuck": "kept as measured; empty the cells that you do not trust.",
    "silent": "kept as measured; empty the cells of sensors that were dead.",
    "outliers": "kept as measured; empty the cells that you do not trust.",
    "sentinels": "kept as measured, as part of scaling, loss and metrics; empty the cells if no measurement is meant.",
    "cumulative": "kept as measured; give what was counted in each step if these are readings of meters.",
    "negative": "kept as measured; empty the cells if there can be none.",
    "same values": "kept; one of them is enough if they are the same sensor.",
    "zeros": "taken as values; zero_is_missing=true if they stand for missing ones.",
}


def _clock(changes: dict[str, Any] | None) -> dict[str, str]:
    if changes is None or changes["real_time"] or not changes["skipped"]:
        return {}
    zone = changes["clock"]
    sentence = f"skipped hours are missing values; timezone={zone} makes the axis even in real time"
    summed = any((hour["usual"] or 0) > 1.5 for hour in changes["repeated"])
    more = "; hours that stand for two are kept, empty them if they were added up." if summed else "."
    return {"clock": sentence + more}


def _graph(graph: dict[str, Any] | None, to_make: list[str]) -> dict[str, str]:
    if graph is None:
        made = f", or make it: {' or '.join(to_make)}" if to_make else "; none can be made of these data"
        return {"graph": f"backbones that need one are not available; name a file with --graph{made}."}
    sentences = []
    if graph["one_way_edges"]:
        sentences.append("edges are used in their direction")
    if graph["isolated"]:
        sentences.append("sensors without neighbours are forecast from their own past")
    return {"graph": "; ".join(sentences) + "."} if sentences else {}
