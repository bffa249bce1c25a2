# One image for all of a run on Google Cloud: TFX's containers, training jobs and Dataflow's workers.
# docs/vertex.md says how it is built and pushed; `docker build .` makes the one without a GPU.
#
#   --target gpu    with CUDA's libraries, of which a machine with a GPU brings only the driver
#   --target tpu    with the TensorFlow and libtpu that Cloud TPU publishes, for v2 and v3; or tpu-v5e

FROM apache/beam_python3.10_sdk:2.59.0 AS beam


# Compilers stay behind in this stage: a few packages, pyfarmhash among them, have no wheel.
FROM python:3.10-slim-bookworm AS packages
# Debian keeps one version of a package for a release, so there is none to pin.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/tfx-1.16.txt /src/requirements/
# No build isolation, and what builds first: an isolated build takes whatever setuptools is newest.
RUN grep -E -A 2 '^(setuptools|wheel)==' /src/requirements/tfx-1.16.txt > /src/build.txt \
    && pip install --require-hashes --no-deps -r /src/build.txt \
    && pip install --require-hashes --no-deps --no-build-isolation -r /src/requirements/tfx-1.16.txt
# The set is the developers' own; what only they use is a fifth of a gigabyte.
RUN pip uninstall --yes import-linter mypy pandas-stubs playwright pytest pytest-xdist ruff
WORKDIR /src
COPY setup.py pyproject.toml system.py ./
COPY cli cli
COPY pipeline pipeline
COPY components components
COPY serving serving
COPY evaluation evaluation
COPY report report
COPY models models
COPY features features
COPY dataset dataset
COPY common common
COPY corpus corpus
COPY benchmarks benchmarks
RUN pip install --no-deps --no-build-isolation . \
    && pip check
# Of 29 MB the 3 that the model musicnn starts from; they end up in /opt/venv.
COPY requirements/musicnn.txt /src/requirements/
RUN pip install --require-hashes --no-deps --target /src/musicnn -r /src/requirements/musicnn.txt \
    && python -m features.musicnn_weights /src/musicnn/musicnn/MSD_musicnn


FROM python:3.10-slim-bookworm AS runtime
COPY --from=beam /opt/apache/beam/boot /opt/apache/beam/LICENSE /opt/apache/beam/NOTICE /opt/apache/beam/
COPY docker/boot /opt/music-genre/boot
# Its user may install: Beam's boot does so where Dataflow is given a --setup-file.
COPY --from=packages --chown=1000:1000 /opt/venv /opt/venv
# Beam's boot would else make a virtual environment of its own at every start, without these packages.
ENV PATH=/opt/venv/bin:$PATH \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 music
USER 1000
WORKDIR /home/music
# What Dataflow starts. Vertex AI brings a command of its own, `python -m …`.
ENTRYPOINT ["/opt/music-genre/boot"]


FROM runtime AS gpu
# hadolint ignore=DL3066
USER root
COPY requirements/cuda.txt /tmp/cuda.txt
RUN pip install --no-cache-dir --require-hashes --no-deps -r /tmp/cuda.txt \
    && rm /tmp/cuda.txt
# TensorFlow 2.16 does not look for these packages by itself. The driver is where Vertex AI mounts it.
ENV CUDA_PACKAGES=/opt/venv/lib/python3.10/site-packages/nvidia
ENV LD_LIBRARY_PATH=$CUDA_PACKAGES/cublas/lib:$CUDA_PACKAGES/cuda_cupti/lib:$CUDA_PACKAGES/cuda_nvrtc/lib:$CUDA_PACKAGES/cuda_runtime/lib:$CUDA_PACKAGES/cudnn/lib:$CUDA_PACKAGES/cufft/lib:$CUDA_PACKAGES/curand/lib:$CUDA_PACKAGES/cusolver/lib:$CUDA_PACKAGES/cusparse/lib:$CUDA_PACKAGES/nccl/lib:$CUDA_PACKAGES/nvjitlink/lib:/usr/local/nvidia/lib64:/usr/local/nvidia/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    XLA_FLAGS=--xla_gpu_cuda_data_dir=$CUDA_PACKAGES/cuda_nvcc
USER 1000


FROM runtime AS tpu
# Stays root: the device files of a TPU VM belong to root.
# hadolint ignore=DL3002,DL3066
USER root
# The versions that belong together are on Cloud TPU's page "TPU software versions".
ARG TPU_SOFTWARE=https://storage.googleapis.com/cloud-tpu-tpuvm-artifacts
ARG TENSORFLOW=2.16.2
ARG LIBTPU=1.10.1
# hadolint ignore=DL3020
ADD ${TPU_SOFTWARE}/libtpu/${LIBTPU}/libtpu.so /lib/libtpu.so
RUN pip install --no-cache-dir --no-deps --force-reinstall \
    "${TPU_SOFTWARE}/tensorflow/tf-${TENSORFLOW}/tensorflow-${TENSORFLOW}-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


FROM tpu AS tpu-v5e
# TPU v5e takes the PJRT runtime only.
ENV NEXT_PLUGGABLE_DEVICE_USE_C_API=true \
    TF_PLUGGABLE_DEVICE_LIBRARY_PATH=/lib/libtpu.so


# The last stage is what is built by default.
FROM runtime AS cpu
