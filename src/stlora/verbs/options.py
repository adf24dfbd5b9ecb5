"""The options of the verbs that do not train; those of the others are in ``training/config.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stlora.paths import PathOptions


@dataclass(kw_only=True)
class DemoOptions(PathOptions):
    """The main job on the simulated network: train, adapt, compare, report.

    Attributes:
        out: the folder to write.
        seed: of the network, the weights and the batches.
    """

    out: str = "runs/demo"
    seed: int = 0


@dataclass(kw_only=True)
class CheckOptions(PathOptions):
    """Describe a file or folder and what the library makes of it.

    Attributes:
        path: a file, a folder, or a catalogue name.
        graph: a graph file that does not lie with the data.
        channel: which measurement to read of data that hold several, such as speed.
        columns: the columns of a table, where their names do not tell, such as time=date+hour,node=site,value=count.
        decimal: the decimal mark of numbers as text, . or , where it cannot be told; the other one parts thousands.
        day_first: whether days stand before months in dates such as 03/04/2024, where it cannot be told.
        zero_is_missing: whether a zero means missing; as the file's layout says if not given.
        timezone: the clock of the data, such as Europe/Berlin; time stamps without zone are taken for it, others
            converted to it; theirs if not given.
        picture: a .png or .svg file to draw what is missing, the mean day and the map.
        json: print JSON instead of text.
    """

    path: str
    graph: str | None = None
    channel: str | None = None
    columns: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
    zero_is_missing: bool | None = None
    timezone: str | None = None
    picture: str | None = None
    json: bool = False


@dataclass(kw_only=True)
class ListOptions(PathOptions):
    """The data sets of the catalogue, and which are on this machine.

    Attributes:
        root: the folder that holds data sets; the user's cache folder if not given.
    """

    root: str | None = None


@dataclass(kw_only=True)
class InfoOptions(PathOptions):
    """What is known of a data set: facts, licence, citation, sources, and whether its files are here.

    Attributes:
        name: of the data set.
        root: the folder that holds data sets; the user's cache folder if not given.
    """

    name: str
    root: str | None = None


@dataclass(kw_only=True)
class GetOptions(PathOptions):
    """Download the files of a data set, or check those that are there.

    Attributes:
        name: of the data set.
        root: the folder that holds data sets; the user's cache folder if not given.
    """

    name: str
    root: str | None = None


@dataclass(kw_only=True)
class EvaluateOptions(PathOptions):
    """The metrics of a run, recomputed from its files.

    Attributes:
        run: the run folder.
        split: which part of the data.
        data: the data's new place, if it was moved.
        module: package.module:factory, if the run's backbone is of your own; runs that code.
        device: auto takes a GPU where there is one.
        json: print the whole metrics as JSON instead of a summary.
    """

    run: str
    split: Literal["train", "val", "test"] = "test"
    data: str | None = None
    module: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    json: bool = False


@dataclass(kw_only=True)
class ReportOptions(PathOptions):
    """Write report.html of a comparison or an adapted run again, without training.

    Attributes:
        folder: that compare or adapt made.
        data: the data's new place, if it was moved.
        module: package.module:factory, if the backbone is of your own; runs that code.
        sensors: ids of those whose forecasts are drawn beside truth, with commas; chosen by their changes if not given.
    """

    folder: str
    data: str | None = None
    module: str | None = None
    sensors: str | None = None


@dataclass(kw_only=True)
class PredictOptions(PathOptions):
    """Forecast the steps after the last observed one, in physical units.

    Attributes:
        run: the run folder.
        data: a file or folder with recent measurements of the same sensors.
        output: the file to write, .parquet or .csv.
        graph: a graph file that does not lie with the data.
        channel: which measurement to read; that of the run if not given.
        columns: the columns of a table; those of the run's data if not given and they are there.
        decimal: the decimal mark of numbers as text; that of the run's data if not given.
        day_first: whether days stand before months in dates; as in the run's data if not given.
        zero_is_missing: whether a zero means missing in this file; as in the run's data if not given.
        timezone: the zone of time stamps without one, such as Europe/Berlin; that of the run's data if not given. Time
            stamps with a zone are converted to that of the run's data.
        module: package.module:factory, if the run's backbone is of your own; runs that code.
        device: auto takes a GPU where there is one.
    """

    run: str
    data: str
    output: str
    graph: str | None = None
    channel: str | None = None
    columns: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
    zero_is_missing: bool | None = None
    timezone: str | None = None
    module: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"


@dataclass(kw_only=True)
class ExportOptions(PathOptions):
    """Write the network of a run as one file that forecasts without this library.

    Attributes:
        run: the run folder.
        output: the file to write, .pt2 for torch or .onnx.
        module: package.module:factory, if the run's backbone is of your own; runs that code.
    """

    run: str
    output: str
    module: str | None = None
