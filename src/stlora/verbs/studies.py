"""The verbs of ``stlora study``: one for each field of the adapter, and two more."""

from __future__ import annotations

from functools import partial

from stlora.adapters import STLoRAConfig
from stlora.errors import InputError
from stlora.evaluation.writing import to_text
from stlora.studies.config import FewShotConfig, FieldStudyConfig, TransferConfig
from stlora.studies.designs import studied_fields
from stlora.studies.outcome import Study
from stlora.verbs.failures import cells_failed
from stlora.verbs.parser import Verb, field_help


def study_verbs() -> dict[str, Verb]:
    """By their names."""
    of_fields = {
        field: Verb(FieldStudyConfig, partial(_field, field), trains=True, about=field_help(STLoRAConfig, field))
        for field in studied_fields()
    }
    return {
        **of_fields,
        "fewshot": Verb(FewShotConfig, _few_shot, trains=True),
        "transfer": Verb(TransferConfig, _transfer, trains=True),
    }


def _field(field: str, config: FieldStudyConfig) -> None:
    from stlora.studies.field import field_study

    _print(field_study(field, config, show=True), config.out)


def _few_shot(config: FewShotConfig) -> None:
    from stlora.studies.fewshot import few_shot_study

    _print(few_shot_study(config, show=True), config.out)


def _transfer(config: TransferConfig) -> None:
    from stlora.studies.transfer import transfer_study

    _print(transfer_study(config, show=True), config.out)


def _print(study: Study, out: str) -> None:
    """The tables and where all is.

    Raises:
        InputError: cells failed.
    """
    for table in study.tables:
        print(to_text(table))
    print(f"written to {out}: study.json, study.md")
    if study.figure:
        print(study.figure)
    if study.failed:
        raise InputError(cells_failed(study.failed, out))
