"""Package metadata and direct dependencies, of both generations of TFX that the code runs on.

The same file serves `pip install -e .` and Dataflow's `--setup_file`, which ships the packages
below to Beam workers. The full, hash-checked sets that `make` installs are in requirements/,
compiled from this file by `make lock`.
"""

import sys

from setuptools import find_packages, setup

if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    # Said here because pip's own answer would be "no matching distribution", which names no cure.
    raise SystemExit(
        "music-genre-pipeline needs Python 3.10 (TFX 1.16) or Python 3.11 to 3.13 (TFX 1.21); "
        f"this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Run `make install` in the checkout: it finds or fetches one of them and makes .venv."
    )

# What moves from one generation to the next: package, then its version beside TFX 1.16 (the last
# for Python 3.10, and for glibc older than 2.38) and beside TFX 1.21.
BY_GENERATION = [
    ("tfx", "1.16.0", "1.21.0"),
    # The parts of TFX that the code imports by name, at the versions that belong to it.
    ("tfx-bsl", "1.16.1", "1.21.0"),
    ("ml-metadata", "1.16.0", "1.21.0"),
    ("tensorflow-data-validation", "1.16.1", "1.21.0"),
    ("tensorflow-metadata", "1.16.1", "1.21.0"),
    ("tensorflow-transform", "1.16.0", "1.21.0"),
    ("tensorflow-model-analysis", "0.47.1", "0.52.0"),
    ("tensorflow", "2.16.2", "2.21.0"),
    # Keras 2, which Transform and TFX itself work with, and Keras 3, which the models are made of.
    ("tf-keras", "2.16.0", "2.21.0"),
    ("keras", "3.12.4", "3.15.1"),
    # Shows the logs of training; TensorFlow 2.16 brings it, 2.21 does not.
    ("tensorboard", "2.16.2", "2.21.0"),
    # Beam, with its Google Cloud parts for Dataflow.
    ("apache-beam[gcp]", "2.59.0", "2.77.0"),
    # Compiles the pipeline for Vertex AI: the newest that takes the protobuf below.
    ("kfp", "2.5.0", "2.17.0"),
    # Google Cloud: submitting to Vertex AI, looking at buckets, and what both are made of.
    ("google-cloud-aiplatform", "1.165.1", "1.165.1"),
    ("google-cloud-storage", "2.19.0", "3.17.1"),
    ("google-api-core", "2.29.0", "2.44.0"),
    # What the compiled parts of each TFX take.
    ("protobuf", "3.20.3", "6.33.6"),
    ("pyarrow", "10.0.1", "18.1.0"),
    ("numpy", "1.26.4", "2.4.6"),
    ("pandas", "1.5.3", "2.3.3"),
    ("scipy", "1.12.0", "1.17.1"),
    ("scikit-learn", "1.5.1", "1.5.2"),
    # Download FMA; Google's clients bring them.
    ("requests", "2.34.2", "2.33.0"),
    ("urllib3", "1.26.20", "2.7.0"),
]

INSTALL_REQUIRES = [
    *(f"{name}=={old} ; python_version < '3.11'" for name, old, new in BY_GENERATION),
    *(f"{name}=={new} ; python_version >= '3.11'" for name, old, new in BY_GENERATION),
    # One thread for scikit-learn's sums, so that they have the same order on every machine.
    "threadpoolctl==3.8.0",
    # Decoding, resampling, and the reference that the TensorFlow log-mel is compared with.
    "librosa==0.11.0",
    "soundfile==0.14.0",
    "soxr==1.1.0",
    # FFmpeg, which takes over for what libsndfile cannot read: m4a, wma, damaged mp3.
    "av==17.1.0",
    # Trials of the deep models' hyper-parameters; TFX brings it.
    "keras-tuner==1.4.8",
    # The report: its plots as SVG, its spectrograms as PNG, and its page.
    "matplotlib==3.10.8",
    "pillow==12.3.0",
    "jinja2==3.1.6",
    # Tags of audio files, of which `music-genre predict` writes the genre.
    "mutagen==1.48.1",
    # The console, and the memory figures it shows.
    "rich==15.0.0",
    "psutil==7.2.2",
    # Credentials for Google Cloud, and its wire.
    "google-auth==2.62.2",
    "grpcio==1.85.1",
    # Converts flags and YAML values to the types of the configuration; Google's clients bring it.
    "pydantic==2.14.3",
    # Files of flags for vertex_runner.py.
    "pyyaml==6.0.3",
    # Logging as TFX and Beam use it.
    "absl-py==1.4.0",
    # TFX imports pkg_resources, which setuptools 81 drops.
    "setuptools==80.10.2",
]

DEV_REQUIRES = [
    "pytest==9.2.0",
    # Runs the tests in a process per core.
    "pytest-xdist==3.8.0",
    # Drives the machine's Chromium, for looking at the report as a browser does.
    "playwright==1.56.0",
    "ruff==0.17.6",
    "mypy==2.4.1",
    # Holds the direction of imports between the rooms.
    "import-linter==2.15",
    # Type stubs for the pandas pinned above.
    "pandas-stubs==1.5.3.230321 ; python_version < '3.11'",
    "pandas-stubs==2.3.3.260113 ; python_version >= '3.11'",
    # Builds the packages that have no wheel, together with setuptools.
    "wheel==0.48.0",
]

PACKAGES = [
    "cli",
    "pipeline",
    "components",
    "serving",
    "evaluation",
    "report",
    "models",
    "features",
    "dataset",
    "common",
    "corpus",
    "benchmarks",
]

setup(
    name="music-genre-pipeline",
    version="0.1.0",
    description="A TFX pipeline that classifies music by genre",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    # Artifact types under the names that Vertex AI gives them.
    py_modules=["system"],
    packages=find_packages(include=[*PACKAGES, *(f"{name}.*" for name in PACKAGES)]),
    package_data={"": ["*.pbtxt", "*.yaml"], "report": ["templates/*.html"]},
    install_requires=INSTALL_REQUIRES,
    entry_points={"console_scripts": ["music-genre = cli.main:main"]},
    extras_require={"dev": DEV_REQUIRES},
)
