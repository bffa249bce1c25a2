"""Which clip of which staged file goes to which file of its split."""

from __future__ import annotations

from dataset.copy_plan import Copy, plan_copies


def test_the_files_of_a_split_are_numbered_without_a_gap() -> None:
    batch_of = {1: 0, 2: 0, 3: 1, 4: 2, 5: 3}
    split_of = {1: "train", 2: "test", 3: "train", 5: "test"}
    assert plan_copies(batch_of, split_of, padded={3: 100}) == [
        Copy(
            0,
            {"train": "data_tfrecord-00000-of-00002.gz", "test": "data_tfrecord-00000-of-00002.gz"},
            {1: "train", 2: "test"},
        ),
        Copy(1, {"train": "data_tfrecord-00001-of-00002.gz"}, {3: "train"}, {3: 100}),
        Copy(3, {"test": "data_tfrecord-00001-of-00002.gz"}, {5: "test"}),
    ]
