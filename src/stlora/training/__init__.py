"""Training: fit a backbone, adapt a frozen one, measure and use what came of it."""

from typing import TYPE_CHECKING

from stlora._lazy import lazy_names

if TYPE_CHECKING:
    from stlora.training.adaptation import adapt
    from stlora.training.comparing.comparison import compare
    from stlora.training.config import AdaptConfig, CompareConfig, FitConfig
    from stlora.training.evaluating import evaluate
    from stlora.training.fitting import fit
    from stlora.training.prediction import predict
    from stlora.training.run import Run

__all__ = ["AdaptConfig", "CompareConfig", "FitConfig", "Run", "adapt", "compare", "evaluate", "fit", "predict"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AdaptConfig": "stlora.training.config",
        "CompareConfig": "stlora.training.config",
        "FitConfig": "stlora.training.config",
        "Run": "stlora.training.run",
        "adapt": "stlora.training.adaptation",
        "compare": "stlora.training.comparing.comparison",
        "evaluate": "stlora.training.evaluating",
        "fit": "stlora.training.fitting",
        "predict": "stlora.training.prediction",
    },
)
