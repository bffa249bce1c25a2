"""The record of a training: valid JSON whatever came of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

from models.training import fit_record
from models.training.fit_record import FitRecord


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = FitRecord(
        "cnn1d",
        parameters=7,
        genres=["Folk", "Rock"],
        hyperparameters={"learning_rate": 0.1, "tuned": ["mixup"]},
        curves=[{"stage": "train", "epochs": [{"loss": 1.5}]}],
    )
    assert not fit_record.exists(str(tmp_path))
    fit_record.write(str(tmp_path), record)
    assert fit_record.read(str(tmp_path)) == record


def test_figures_that_are_no_numbers_are_null(tmp_path: Path) -> None:
    epochs = [{"loss": 2.0, "val_loss": 1.0}, {"loss": math.nan, "val_loss": math.inf}]
    curves = [{"stage": "train", "epochs": epochs}]
    record = FitRecord("cnn1d", hyperparameters={"cv_macro_f1": -math.inf}, curves=curves)
    fit_record.write(str(tmp_path), record)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    text = (tmp_path / "assets.extra" / "fit.json").read_text()
    found = json.loads(text, parse_constant=refuse)
    assert found["curves"][0]["epochs"] == [
        {"loss": 2.0, "val_loss": 1.0}, {"loss": None, "val_loss": None},
    ]  # fmt: skip
    assert found["hyperparameters"] == {"cv_macro_f1": None}
