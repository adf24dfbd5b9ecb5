"""Studies: what a choice of the adapter is worth, and how little data does, each one command and one figure."""

from typing import TYPE_CHECKING

from stlora._lazy import lazy_names

if TYPE_CHECKING:
    from stlora.studies.config import FewShotConfig, FieldStudyConfig, TransferConfig
    from stlora.studies.fewshot import few_shot_study
    from stlora.studies.field import field_study
    from stlora.studies.transfer import transfer_study

__all__ = ["FewShotConfig", "FieldStudyConfig", "TransferConfig", "few_shot_study", "field_study", "transfer_study"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FewShotConfig": "stlora.studies.config",
        "FieldStudyConfig": "stlora.studies.config",
        "TransferConfig": "stlora.studies.config",
        "few_shot_study": "stlora.studies.fewshot",
        "field_study": "stlora.studies.field",
        "transfer_study": "stlora.studies.transfer",
    },
)
