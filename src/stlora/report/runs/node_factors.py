"""What an adapter gave each sensor of its own: how alike sensors are in it, and the groups they fall into."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, ward
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr
from torch import nn

from stlora.adapters import NodeAdaptiveLowRankLayer
from stlora.data.time.clock import clock, daily_profile, slots_of_a_day
from stlora.report.comparison_content import Factors
from stlora.report.content import SensorGroups
from stlora.training.prepare import Prepared

_GROUPS = 4
_SLOTS = 48  # of a day, at most: what a small figure can show


def node_similarity(model: nn.Module) -> NDArray[np.float64] | None:
    """Cosine similarity of what an adapter gave each node: all ``ΔW_i``, flattened, their mean taken off.

    Returns:
        ``[N, N]``; None without a factor of the nodes' own. A node that does not differ from the mean has 0.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, NodeAdaptiveLowRankLayer)]
    layers = [layer for layer in layers if layer.node_factor != "none"]
    if not layers:
        return None
    with torch.no_grad():
        own = torch.cat([layer.delta_weight().flatten(1) for layer in layers], dim=1).double()  # [N, D]
        own = own - own.mean(dim=0)
        own = torch.nn.functional.normalize(own, dim=1)
        similarity: NDArray[np.float64] = (own @ own.T).cpu().numpy()
    return similarity


def factors_and_days(model: nn.Module, data: Prepared) -> Factors | None:
    """Group the sensors by their own weights, and set their typical days of the training part beside.

    Args:
        model: a network with or without an adapter.
        data: that it was trained on.

    Returns:
        None without a factor of the nodes' own, or with fewer than two sensors that have a typical day.
    """
    similarity = node_similarity(model)
    if similarity is None:
        return None
    days = typical_days(data)
    known = np.flatnonzero(np.isfinite(days).all(axis=1))
    if len(known) < 2:
        return None
    kinds, order = group(similarity[np.ix_(known, known)])
    chosen = known[order]
    ordered, days = similarity[np.ix_(chosen, chosen)], days[chosen]
    alike: NDArray[np.float64] = np.atleast_2d(np.corrcoef(days))
    groups = SensorGroups(tuple(kinds[i] for i in order), days, ordered, days=1)
    return Factors(groups, alike, _agreement(ordered, alike), len(similarity) - len(known))


def typical_days(data: Prepared) -> NDArray[np.float64]:
    """Each sensor's mean day in the training part, in standard deviations of that day from its mean.

    Returns:
        ``[N, slots]``; NaN for a sensor that was never observed, or whose day never changes.
    """
    rows = slice(data.split.train.start, data.split.train.stop + data.windows.history - 1)
    time_of_day = clock(data.series.time[rows])[:, 0]
    slots = slots_of_a_day(data.series.interval)
    profile = daily_profile(data.series.values[rows], time_of_day, slots).T.astype(np.float64)  # [N, slots]
    if slots > _SLOTS:
        edges = np.arange(_SLOTS) * slots // _SLOTS
        profile = np.add.reduceat(profile, edges, axis=1) / np.diff([*edges, slots])
    spread = profile.std(axis=1, keepdims=True)
    flat = ~(spread > 1e-6 * np.abs(profile).max(axis=1, keepdims=True))
    relative: NDArray[np.float64] = (profile - profile.mean(axis=1, keepdims=True)) / np.where(flat, np.nan, spread)
    return relative


def group(similarity: NDArray[np.float64]) -> tuple[list[str], NDArray[np.intp]]:
    """Groups by Ward's method on the distances between unit vectors, at most four.

    Args:
        similarity: ``[N, N]`` cosines, N at least 2.

    Returns:
        The group of each sensor, and an order of the sensors in which those of a group are together.

    Example:
        >>> group(np.array([[1, -1, 0.9], [-1, 1, -0.9], [0.9, -0.9, 1]]))[0]
        ['group B (1)', 'group A (1)', 'group C (1)']
    """
    squared = np.clip(2 - 2 * similarity, 0, None)
    np.fill_diagonal(squared, 0)
    tree = ward(squareform(np.sqrt(squared), checks=False))
    order = leaves_list(tree).astype(np.intp)
    number = fcluster(tree, _GROUPS, "maxclust")
    first_seen = list(dict.fromkeys(number[order].tolist()))
    counts = {label: int((number == label).sum()) for label in first_seen}
    names = {label: f"group {'ABCD'[place]} ({counts[label]})" for place, label in enumerate(first_seen)}
    return [names[label] for label in number.tolist()], order


def _agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    pairs = np.triu_indices(len(one), k=1)
    if np.ptp(one[pairs]) == 0 or np.ptp(other[pairs]) == 0:
        return float("nan")
    return float(spearmanr(one[pairs], other[pairs]).statistic)
