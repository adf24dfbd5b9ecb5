"""The options of the studies: one source for Python, YAML and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from stlora.adapters.config import AdapterName
from stlora.errors import InputError
from stlora.paths import expand_options
from stlora.training.config import CompareConfig


@dataclass(kw_only=True)
class DesignOptions:
    """Forms of an adapter, each fitted to trained backbones, which stay as they are.

    Attributes:
        runs: run folders of trained backbones, or folders of comparisons, whose backbones alone are taken; separated
            by commas.
        out: the folder for the figure, the table and the runs; finished cells in it are not run again.
        adapter: the named adapter that all forms are, but for what is studied.
        adapter_options: fields of the adapter that differ from the named one in all forms.
        adapt_epochs: epochs of each.
        module: package.module:factory, for runs whose backbone is of your own; runs that code.
        device: auto takes a GPU where there is one.
    """

    runs: str | list[str]
    out: str
    adapter: AdapterName = "stlora"
    adapter_options: dict[str, Any] = field(default_factory=dict)
    adapt_epochs: int = 20
    module: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        expand_options(self)
        if self.adapt_epochs < 1:
            raise InputError(f"adapt_epochs is {self.adapt_epochs}; expected 1 or more")


@dataclass(kw_only=True)
class FieldStudyConfig(DesignOptions):
    """One field of the adapter with several values, on trained backbones.

    Attributes:
        values: of the field, separated by commas; a range around the default if not given.
    """

    values: Any = None


@dataclass(kw_only=True)
class TransferConfig(DesignOptions):
    """Whether forms chosen on one data set or backbone are good on another.

    Attributes:
        grid: values of each field that is varied; every combination is fitted, and the adapter as it is named.
    """

    grid: dict[str, list[Any]] = field(default_factory=lambda: {"rank": [2, 8], "width": [8, 32], "layers": [1, 2]})


@dataclass(kw_only=True)
class FewShotConfig(CompareConfig):
    """Backbones and adapters on ever smaller latest parts of the training windows.

    Attributes:
        shares: of the training windows, separated by commas.
    """

    shares: Any = "0.05,0.1,0.5,1"
    adapters: str | list[str] = "none,stlora,shared"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_latest != 1:
            raise InputError(
                f"train_latest is {self.train_latest} and this study sets it; give the shares of the training windows "
                "as --shares"
            )
