"""FMA's archives: names, sizes and sums as published in the README of github.com/mdeff/fma.

The sums are those of the release of 2017-05-09, the current one. All archives are compressed with
bzip2, which some unzip programs refuse ("need PK compat. v4.6").
"""

from __future__ import annotations

import dataclasses

BASE_URL = "https://os.unil.cloud.switch.ch/fma"


@dataclasses.dataclass(frozen=True)
class Archive:
    """One zip of FMA.

    Attributes:
        name: of the folder in it; the zip is called so, too.
        sha1: hex digest of the zip.
        size: of the zip, in words.
        content: what is in it, in words.
    """

    name: str
    sha1: str
    size: str
    content: str

    @property
    def zip_name(self) -> str:
        """File name of the zip."""
        return f"{self.name}.zip"


ARCHIVES = {
    "metadata": Archive(
        "fma_metadata",
        "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
        "342 MiB",
        "tracks.csv, genres.csv, features.csv, echonest.csv",
    ),
    "small": Archive(
        "fma_small",
        "ade154f733639d52e35e32f5593efe5be76c6d70",
        "7.2 GiB",
        "8,000 clips of 30 s, 8 balanced genres",
    ),
    "medium": Archive(
        "fma_medium",
        "c67b69ea232021025fca9231fc1c7c1a063ab50b",
        "22 GiB",
        "25,000 clips of 30 s, 16 genres",
    ),
    "large": Archive(
        "fma_large",
        "497109f4dd721066b5ce5e5f250ec604dc78939e",
        "93 GiB",
        "106,574 clips of 30 s, 161 genres",
    ),
    "full": Archive(
        "fma_full",
        "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab",
        "879 GiB",
        "106,574 untrimmed tracks, 161 genres",
    ),
}
