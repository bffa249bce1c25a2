"""Package metadata and direct dependencies.

The same file serves `pip install -e .` and Dataflow's `--setup_file`, which ships the packages
below to Beam workers. The full, hash-checked set that `make` installs is requirements/py310.txt,
compiled from this file by `make lock`.
"""

import sys

from setuptools import find_packages, setup

if sys.version_info[:2] != (3, 10):
    # Said here because pip's own answer would be "no matching distribution", which names no cure.
    raise SystemExit(
        f"music-genre-pipeline needs Python 3.10, which the TFX it is pinned to is made for; "
        f"this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Run `make install` in the checkout: it finds or fetches a Python 3.10 and makes .venv.\n"
        "Or, with a Python 3.10 of yours: python3.10 -m venv .venv && .venv/bin/pip install -e ."
    )

INSTALL_REQUIRES = [
    # The pipeline: the newest TFX whose data-validation wheel runs on glibc older than 2.38.
    "tfx==1.16.0",
    # The parts of TFX that the code imports by name, at the versions that belong to it.
    "tfx-bsl==1.16.1",
    "ml-metadata==1.16.0",
    "tensorflow-data-validation==1.16.1",
    "tensorflow-metadata==1.16.1",
    "tensorflow-transform==1.16.0",
    "tensorflow-model-analysis==0.47.1",
    # The TensorFlow that TFX 1.16 is made for.
    "tensorflow==2.16.2",
    # Keras 2 and Keras 3: TFX 1.16 works with the first, TensorFlow 2.16 brings the second.
    "tf-keras==2.16.0",
    "keras==3.12.4",
    # Beam, with its Google Cloud parts for Dataflow. Newer ones drop dill.
    "apache-beam[gcp]==2.59.0",
    # Compiles the pipeline for Vertex AI. Newer ones need a newer protobuf than TFX 1.16 takes.
    "kfp==2.5.0",
    # The protobuf, Arrow, NumPy and pandas that TFX 1.16 and its compiled parts take.
    "protobuf==3.20.3",
    "pyarrow==10.0.1",
    "numpy==1.26.4",
    "pandas==1.5.3",
    # Signal processing and the classical models.
    "scipy==1.12.0",
    "scikit-learn==1.5.1",
    # Decoding, resampling, and the reference that the TensorFlow log-mel is compared with.
    "librosa==0.11.0",
    "soundfile==0.14.0",
    "soxr==1.1.0",
    # The console, and the memory figures it shows.
    "rich==15.0.0",
    "psutil==7.2.2",
    # Logging as TFX and Beam use it.
    "absl-py==1.4.0",
    # TFX imports pkg_resources, which setuptools 81 drops.
    "setuptools==80.10.2",
]

DEV_REQUIRES = [
    "pytest==9.2.0",
    "ruff==0.17.6",
    "mypy==2.4.1",
    # Type stubs for the pandas pinned above.
    "pandas-stubs==1.5.3.230321",
    # Builds the packages that have no wheel, together with setuptools.
    "wheel==0.48.0",
]

PACKAGES = ["pipeline", "components", "models", "corpus", "benchmarks"]

setup(
    name="music-genre-pipeline",
    version="0.1.0",
    description="A TFX pipeline that classifies music by genre",
    license="Apache-2.0",
    python_requires="==3.10.*",
    packages=find_packages(include=[*PACKAGES, *(f"{name}.*" for name in PACKAGES)]),
    package_data={"": ["*.pbtxt", "*.html"]},
    install_requires=INSTALL_REQUIRES,
    extras_require={"dev": DEV_REQUIRES},
)
