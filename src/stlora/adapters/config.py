"""What an adapter is made of: every choice, documented once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from stlora.errors import InputError
from stlora.named_options import check_kind

AdapterName = Literal["stlora", "large", "residual", "paper", "shared", "own"]


_RANGES: dict[str, tuple[float, float]] = {  # far beyond what makes sense: a damaged file must not ask for more
    "rank": (0, 10_000),  # 0 is refused by what uses it
    "alpha": (-1e9, 1e9),
    "width": (1, 100_000),
    "layers": (0, 1000),
    "passes": (1, 1000),
    "predictors": (1, 1000),
    "harmonics": (0, 10_000),
    "profile": (0, 10_000),
    "neighbours": (0, 100_000),
}


@dataclass(frozen=True)
class STLoRAConfig:
    """Sizes and choices of an ST-LoRA adapter.

    Attributes:
        node_factor: how a node's own low-rank factor is made: full, core, diagonal; none is the control.
        rank: r, the rank of a node's own part of a layer.
        alpha: α, the scale of a node's own part is ``alpha / rank``.
        width: features inside a predictor.
        layers: L, residual node-adaptive layers of a predictor, before its head.
        passes: how often they are gone through, with the same weights each time.
        predictors: K, predictors in a chain.
        fusion: share mixes the forecast with one that the predictors make without it; residual adds a correction that
            they make from it; both start as the identity; gate is the published form; own is the forecast of share
            alone, the control without a backbone.
        harmonics: sine and cosine pairs of the time of day that a predictor sees; 0 for none.
        weekday: whether a predictor sees the day of the week (weekend flag, sine and cosine).
        gaps: whether a predictor sees which of the newest values were missing.
        profile: harmonics of a node's typical day, measured on the training period with the spread around it and how
            long departures last, all of which a predictor sees; 0 for none.
        neighbours: nodes of each kind, alike and ahead, found on the training period, whose departures from the typical
            day a predictor sees; 0 for none.
        dropout: share of features dropped inside a predictor while training.
        freeze_backbone: keep the backbone's weights as they are.
    """

    node_factor: Literal["full", "core", "diagonal", "none"] = "diagonal"
    rank: int = 4
    alpha: float = 8.0
    width: int = 24
    layers: int = 1
    passes: int = 3
    predictors: int = 1
    fusion: Literal["share", "residual", "gate", "own"] = "share"
    harmonics: int = 4
    weekday: bool = True
    gaps: bool = True
    profile: int = 24
    neighbours: int = 8
    dropout: float = 0.0
    freeze_backbone: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            check_kind(field.name, getattr(self, field.name), field.type)
        if self.fusion not in ("share", "residual", "gate", "own"):
            raise InputError(f"fusion is {self.fusion!r}; choose share, residual, gate or own")
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}; expected {least} to {most}")
        if self.neighbours and not self.profile:
            raise InputError(
                f"neighbours={self.neighbours} are found by departures from the typical day and profile is 0; "
                "set neighbours=0 too, or profile to 1 or more"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; expected a share from 0 up to, not including, 1")

    @classmethod
    def paper(cls, **changes: Any) -> STLoRAConfig:
        """The published form: free node factors, rank 16, four layers of width 64, gated fusion.

        Example:
            >>> STLoRAConfig.paper().fusion
            'gate'
        """
        published: dict[str, Any] = {
            "node_factor": "full",
            "rank": 16,
            "alpha": 16.0,
            "width": 64,
            "layers": 4,
            "passes": 1,
            "fusion": "gate",
            "harmonics": 0,
            "weekday": False,
            "gaps": False,
            "profile": 0,
            "neighbours": 0,
        }
        return cls(**{**published, **changes})

    @classmethod
    def named(cls, name: str, **changes: Any) -> STLoRAConfig:
        """A configuration by its name.

        ``stlora`` is the default, ``large`` is wider and deeper with larger node factors, ``residual`` corrects the
        backbone's forecast where the default mixes it with one of its own, ``paper`` is the published form, and
        there are two controls: ``shared`` is the default without node factor, ``own`` the default without backbone.

        Raises:
            InputError: the name or a changed field is unknown.

        Example:
            >>> STLoRAConfig.named("shared", rank=2)
            STLoRAConfig(node_factor='none', rank=2, ...)
        """
        if name not in get_args(AdapterName):
            raise InputError(f"no adapter is called {name!r}; choose one of none, {', '.join(get_args(AdapterName))}")
        unknown = sorted(set(changes) - {field.name for field in fields(cls)})
        if unknown:
            known = ", ".join(field.name for field in fields(cls))
            raise InputError(f"an adapter has no option {unknown[0]!r}; the options are {known}")
        if name == "paper":
            return cls.paper(**changes)
        presets: dict[str, dict[str, Any]] = {
            "large": {"node_factor": "core", "width": 32, "layers": 2, "rank": 3},
            "residual": {"fusion": "residual"},
            "shared": {"node_factor": "none"},
            "own": {"fusion": "own"},
        }
        return replace(cls(), **{**presets.get(name, {}), **changes})
