"""Reads layouts with one row per time and sensor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stlora.data.readers import parts, tables
from stlora.data.readers.agencies import files
from stlora.data.readers.agencies.description import Block, Channel, Layout, Rule
from stlora.data.readers.agencies.files import Outline, Source
from stlora.data.readers.agencies.times import distinct
from stlora.data.readers.cells import plain, row_of
from stlora.data.readers.table import Table
from stlora.errors import InputError

_UNITS = {"ug.m-3": "µg/m³", "ug/m3": "µg/m³", "µg/m3": "µg/m³", "μg/m³": "µg/m³"}
_UNITS |= {"mg.m-3": "mg/m³", "mg/m3": "mg/m³", "ng.m-3": "ng/m³"}
_NEAR = 0.001  # degrees, about 100 m: how much the coordinates of one place differ


_Pair: TypeAlias = tuple[Table, Table | None]  # the rows, and those that are the second of their sensor and time


@dataclass
class _Tally:
    """What was found in the blocks that were read so far."""

    quantities: dict[str, None] = field(default_factory=dict)
    chosen: dict[str, None] = field(default_factory=dict)
    units: dict[str, None] = field(default_factory=dict)
    kinds: dict[str, None] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    moving: set[str] = field(default_factory=set)
    missing: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    values: int = 0


def read_files(layout: Layout, *paths: Path, channel: str | None = None) -> Table:
    """Read the files of a layout as one table.

    Args:
        layout: of all of them.
        paths: the files.
        channel: the column or quantity to read.

    Raises:
        InputError: a file cannot be read whole, there is no such channel or several may be meant, or two rows
            contradict each other.
    """
    sources = []
    for path in paths:
        with path.open("rb") as file:
            found = layout.outline(path, file.read(4096))
        if found is None:
            raise InputError(f"{path.name} is not of the layout {layout.name} as the other files are; read it alone")
        sources.append(files.of_file(path, found))
    return read(layout, sources, channel)


def read(layout: Layout, sources: Sequence[Source], channel: str | None) -> Table:
    """Read what is of one layout as one table; see :func:`read_files`."""
    try:
        return _read(layout, sources, channel)
    except InputError as error:
        raise InputError(re.sub(f"{_APART}+(?=')", "", str(error)).replace(_APART, "/")) from error


def _read(layout: Layout, sources: Sequence[Source], channel: str | None) -> Table:
    tally, pairs, notes = _Tally(), list[_Pair](), list[str]()
    chosen = layout.channels[0]
    for number, source in enumerate(sources):
        try:
            if number == 0 and not layout.quantity:
                chosen, note = _channel(layout, source.outline, channel)
                notes.append(note)
            pairs += _tables(layout, source, chosen, channel, tally)
        except (InputError, OSError) as error:
            raise InputError(f"{source.name} {error}" if len(sources) > 1 else str(error)) from error
    if not pairs:
        raise InputError(_nothing(tally, channel))
    again = [second for _, second in pairs if second is not None]
    table = parts.join([first for first, _ in pairs])
    table = _told_apart(layout, tables.with_second(table, parts.join(again)) if again else table, tally)
    if layout.quantity:
        chosen = replace(chosen, name=next(iter(tally.chosen)), unit=_unit(layout, tally))
        others = [name for name in tally.quantities if name not in tally.chosen]
        notes.append(_chosen(", ".join(tally.chosen), others))
        if len(tally.chosen) > 1:
            notes.append("What each sensor measures is a sensor of its own, as its name says; --channel reads one.")
    if len(sources) > 1:
        notes.append(f"{len(sources)} files were read as one table.")
    notes += [f"{count} rows were left out: {because}." for because, count in tally.left_out.items()]
    notes += [
        f"{count} of {tally.values} values were taken as missing: {because}."
        for because, count in tally.missing.items()
    ]
    notes += [layout.note] if layout.note else []
    order = tables.in_order(table.node_ids)
    return replace(
        table,
        values=table.values[:, order],
        node_ids=tuple(table.node_ids[i] for i in order),
        coordinates=None if table.coordinates is None else table.coordinates[order],
        unit=_per_interval(chosen.unit, table.time),
        notes=(*notes, *table.notes),
    )


def _per_interval(unit: str, time: pd.DatetimeIndex) -> str:
    """The unit with the length of the interval, where a layout counts by interval."""
    steps, counts = np.unique(np.diff(time.sort_values().asi8), return_counts=True)
    if not len(steps):
        return unit
    minutes = int(steps[counts.argmax()]) / 60e9
    return unit.replace("per interval", f"per {minutes:g} min")


def _channel(layout: Layout, found: Outline, channel: str | None) -> tuple[Channel, str]:
    """The column to read, and a note on those that are not."""
    there = [one for one in layout.channels if one.column in found.names]
    names = [one.name for one in there]
    chosen = [one for one in there if channel is None or plain(channel) in (one.name, one.column)]
    if not chosen:
        wanted = "expected a column of values" if channel is None else f"{channel!r} is none of them"
        raise InputError(f"is {layout.name} with the channels {', '.join(names) or 'none'}; {wanted}")
    return chosen[0], _chosen(chosen[0].name, [name for name in names if name != chosen[0].name])


def _chosen(name: str, others: Sequence[str]) -> str:
    return f"{name} was read" + (f"; the data also hold {', '.join(others)}." if others else ".")


def _tables(layout: Layout, source: Source, chosen: Channel, channel: str | None, tally: _Tally) -> list[_Pair]:
    """The tables of a file, read in blocks."""
    found = source.outline
    position = {name: i for i, name in reversed(list(enumerate(found.names)))}
    needed = layout.needs(found.names, chosen)
    values = {chosen.column, *layout.place, *(f"h{hour:02}" for hour in range(1, 25)), "ano", "mes", "dia"}
    as_text = [position[name] for name in needed if name not in values]
    first, again = list[Table](), list[Table]()
    for frame in source.blocks([position[name] for name in needed], as_text):
        block = Block(frame, {name: position[name] for name in needed}, found.titles, found.separator)
        pair = _table(layout, layout.tidy(block), chosen, channel, tally)
        if pair is not None:
            first.append(pair[0])
            again += [] if pair[1] is None else [pair[1]]
    return [(parts.join(first), parts.join(again) if again else None)] if first else []


def _table(layout: Layout, block: Block, chosen: Channel, channel: str | None, tally: _Tally) -> _Pair | None:
    """The tables of a block; None if none of its rows is of what is wanted."""
    keep = np.ones(len(block.frame), dtype=bool)
    if layout.quantity:
        keep &= _wanted(layout, block, channel, tally)
    for rule in _rules(layout, block, chosen, leaves_out=True):
        out = block.where(rule.column, rule.invalid) & keep
        if out.any():
            tally.left_out[rule.because] += int(out.sum())
        keep &= ~out
    if not keep.all():
        block = replace(block, frame=block.frame[keep])
    if not len(block.frame):
        return None
    _one_each(layout, block, tally)
    values = block.numbers(chosen.column)
    tally.values += len(values)
    wrong = [(block.where(rule.column, rule.invalid), rule.because) for rule in _rules(layout, block, chosen)]
    wrong += [(values < 0, "they are below zero")] if layout.negative else []
    wrong += [(np.isin(values, layout.faulty), "they are -999 or alike")] if layout.faulty else []
    for invalid, because in wrong:
        if count := int((invalid & ~np.isnan(values)).sum()):
            tally.missing[because] += count
        values[invalid] = np.nan
    time = layout.time([block.column(name) for name in layout.clock])
    nodes = _nodes(layout, block)
    _note_places(layout, block, nodes, tally)
    title = block.titles[block.position[chosen.column]] if block.titles else chosen.name
    return tables.spread_twice(time, nodes, values, title)


def _rules(layout: Layout, block: Block, chosen: Channel, leaves_out: bool = False) -> list[Rule]:
    return [
        rule
        for rule in layout.rules
        if rule.column in block
        and rule.leaves_out == leaves_out
        and (not rule.channels or chosen.name in rule.channels)
    ]


def _wanted(layout: Layout, block: Block, channel: str | None, tally: _Tally) -> NDArray[np.bool_]:
    """Which rows measure what is wanted."""
    codes, texts = distinct(block.column(layout.quantity))
    asked, chosen = _key(channel or ""), np.zeros(len(texts) + 1, dtype=bool)
    for i, text in enumerate(texts):
        name, code = _quantity(layout, text), _code(text)
        tally.quantities[name] = None
        chosen[i] = channel is None or asked in (_key(name), _key(code))
        if chosen[i]:
            tally.chosen[name] = None
    if (codes < 0).any():
        tally.left_out["they do not say what they measure"] += int((codes < 0).sum())
    return chosen[codes]


def _code(text: object) -> str:
    label = str(text).rpartition("/")[2] if str(text).startswith("http") else str(text)  # of a vocabulary
    return label.removesuffix(".0").lstrip("0")


def _quantity(layout: Layout, text: object) -> str:
    """What is measured, by the name or number that a layout has for it."""
    return layout.quantities.get(_code(text), (str(text).rpartition("/")[2], ""))[0]


def _key(name: str) -> str:
    """A name without anything but letters and digits: pm2.5, PM25 and PM 2.5 are one."""
    return "".join(c for c in name.lower() if c.isalnum())


def _nothing(tally: _Tally, channel: str | None) -> str:
    if tally.quantities and channel is not None:
        return f"holds {', '.join(tally.quantities)}; {channel!r} is none of them, choose one of these"
    return "holds no rows of what was asked for; get it again"


def _one_each(layout: Layout, block: Block, tally: _Tally) -> None:
    """Refuse values in several units, and means of several lengths."""
    for column, seen, what in ((layout.unit, tally.units, "units"), (layout.kind, tally.kinds, "kinds")):
        if column and column in block:
            seen.update(dict.fromkeys(str(text) for text in distinct(block.column(column))[1]))
        if len({_UNITS.get(text, text) for text in seen}) > 1:
            wanted = "choose one quantity with --channel (channel=), or " if len(tally.chosen) > 1 else ""
            raise InputError(
                f"holds {', '.join(tally.chosen)} in several {what} ({', '.join(seen)}); {wanted}keep the rows of one"
                if wanted
                else f"holds values of several {what} ({', '.join(seen)}); keep the rows of one"
            )


def _unit(layout: Layout, tally: _Tally) -> str:
    """The unit of the values.

    Raises:
        InputError: several things are measured, and not in one unit that is known.
    """
    found = next(iter(tally.units), "")
    known = dict(layout.quantities.values())
    units = {_UNITS.get(found, found) or known.get(name, "") for name in tally.chosen}
    if len(tally.chosen) > 1 and (len(units) > 1 or "" in units):
        raise InputError(
            f"holds several quantities ({', '.join(tally.quantities)}); choose one with --channel (channel=), such as "
            f"{next(iter(tally.quantities))}"
        )
    return next(iter(units))


_APART = "⁄"  # between the name of a sensor and what tells it apart: what no name holds and messages may show


def _nodes(layout: Layout, block: Block) -> pd.Series:
    """The name of each row's sensor, with what tells it apart: the column ``within``, and what the row measures."""
    codes, texts = distinct(block.column(layout.node))
    labels = np.array([_name(text) for text in texts] + [""], dtype=object)
    if (labels[codes] == "").any():
        row = int(np.flatnonzero(labels[codes] == "")[0])
        raise InputError(f"row {row_of(block.column(layout.node), row)} names no sensor; every row needs one")
    keys, words = [codes], [labels]
    for column in (layout.within, layout.quantity):
        more, others = distinct(block.column(column)) if column and column in block else (np.zeros_like(codes), [""])
        name = partial(_quantity, layout) if column == layout.quantity else _name
        keys.append(more)
        words.append(np.array([*(name(text) for text in others), ""], dtype=object))
    rows, places = np.unique(np.stack(keys), axis=1, return_inverse=True)
    names = [_APART.join(word[key] for word, key in zip(words, row, strict=True)) for row in rows.T]
    return _categories(places.reshape(-1), names)


def _categories(codes: NDArray[np.intp], labels: Sequence[str]) -> pd.Series:
    """The label of each row, of which some may be the same."""
    again, found = pd.factorize(np.array(labels, dtype=object))
    return pd.Series(pd.Categorical.from_codes(again[codes], pd.Index(found)))


def _name(node: object) -> str:
    text = str(node).strip()
    return text.removesuffix(".0") if isinstance(node, float) else "" if text in ("nan", "None") else text


def _told_apart(layout: Layout, table: Table, tally: _Tally) -> Table:
    """The table with the plain names of its sensors, and what tells them apart where one name stands for several."""
    parts_of = [tuple(node.split(_APART)) for node in table.node_ids]
    withins = Counter((name, quantity) for name, _, quantity in parts_of)
    several = {name for (name, _), count in withins.items() if count > 1}
    node_ids = tuple(
        "/".join([name] + [within] * (name in several) + [quantity] * (len(tally.chosen) > 1))
        for name, within, quantity in parts_of
    )
    notes = table.notes
    if several:
        notes += (f"{len(several)} names of sensors stand for several, which {layout.within} tells apart.",)
    if layout.place and not tally.moving and all(node in tally.places for node in table.node_ids):
        places = np.array([tally.places[node] for node in table.node_ids], dtype=np.float64)
        return replace(table, node_ids=node_ids, notes=notes, coordinates=places)
    if tally.moving:
        notes += (f"{len(tally.moving)} sensors have several places; there are no coordinates.",)
    return replace(table, node_ids=node_ids, notes=notes)


def _note_places(layout: Layout, block: Block, nodes: pd.Series, tally: _Tally) -> None:
    """Remember where the sensors are; one that moves has no place."""
    if not layout.place or not all(name in block for name in layout.place):
        return
    places = pd.DataFrame({"node": nodes.to_numpy(), **{name: block.numbers(name) for name in layout.place}})
    lowest, highest = (getattr(places.dropna().groupby("node", observed=True), name)() for name in ("min", "max"))
    for node, low, high in zip(lowest.index, lowest.to_numpy(), highest.to_numpy(), strict=True):
        known = tally.places.setdefault(str(node), (float(low[0]), float(low[1])))
        if (np.abs([low - known, high - known]) > _NEAR).any() or abs(low[0]) > 90 or abs(low[1]) > 180:
            tally.moving.add(str(node))
