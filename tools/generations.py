"""The generations of TFX that the code runs on, and what each needs of a machine."""

from typing import NamedTuple, Tuple


class Generation(NamedTuple):
    """One tried set of packages."""

    tfx: str
    minors: Tuple[int, ...]  # of Python 3, the best first
    oldest_glibc: Tuple[int, int]
    requirements: str
    debian: str  # where its Python can be had as a package, and how

    @property
    def pythons(self) -> str:
        """The versions of Python in words: "Python 3.11 to 3.13"."""
        first, last = min(self.minors), max(self.minors)
        return f"Python 3.{first}" + (f" to 3.{last}" if last > first else "")


# TFX 1.21 is first where both would do. Its data-validation wheel decides its glibc; of the other
# set h5py and soundfile do.
GENERATIONS = (
    Generation(
        tfx="1.21",
        minors=(13, 12, 11),
        oldest_glibc=(2, 38),
        requirements="requirements/tfx-1.21.txt",
        debian="Debian 13, Ubuntu 24.04:  apt install g++ python3-dev python3-venv",
    ),
    Generation(
        tfx="1.16",
        minors=(10,),
        oldest_glibc=(2, 28),
        requirements="requirements/tfx-1.16.txt",
        debian="Ubuntu 22.04:  apt install g++ python3.10-dev python3.10-venv",
    ),
)


def generation_of(version: str) -> Generation:
    """Return the generation for a version of Python such as 3.12.1; KeyError if there is none."""
    by_python = {f"3.{minor}": known for known in GENERATIONS for minor in known.minors}
    return by_python[".".join(version.split(".")[:2])]
