"""Whether the `gs://` folders of a run are there, readable and in reach of its region."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from pipeline.config import DataConfig
from pipeline.run_config import PipelineConfig
from pipeline.vertex.cloud import Cloud
from pipeline.vertex.problems import ERROR, WARNING, Problem, unless_out_of_reach
from pipeline.vertex.settings import VertexConfig

_WRITING = (
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
)
# Predefined roles that have these; one of the project's own may have them.
_WRITERS = re.compile(r"roles/storage\.(admin|objectAdmin|objectUser)|(projects|organizations)/.+")


def check(vertex: VertexConfig, config: PipelineConfig, cloud: Cloud) -> list[Problem]:
    """Looks at the buckets first, then at what is to be in them."""
    written = {_bucket(path): path for path in (config.serving_model_dir, config.pipeline_root)}
    holdings = _holdings(config.data)
    read = {_bucket(path): path for path, *_ in holdings}
    problems = []
    for name in {**read, **written}:
        problems += unless_out_of_reach(
            f"bucket gs://{name}",
            functools.partial(_check_bucket, name, vertex, cloud, written=name in written),
        )
    for holding in holdings:
        problems += unless_out_of_reach(
            holding[0], functools.partial(_check_folder, *holding, cloud)
        )
    weights = config.train.mobilenet_weights
    if weights.startswith("/gcs/"):
        problems += unless_out_of_reach(weights, lambda: _check_weights(weights, cloud))
    return problems


def _holdings(data: DataConfig) -> list[tuple[str, str, str]]:
    """Returns (folder, name of a file in it or empty, what is copied there) of all that is read."""
    above_spans, spans, _ = data.audio_dir.partition("{SPAN")
    audio_dir = above_spans.rpartition("/")[0] if spans else data.audio_dir
    found = [(audio_dir, "", "data/fma_small/*" if data.metadata_dir else "MUSIC/*")]
    if data.metadata_dir:
        found.append((data.metadata_dir, "tracks.csv", "data/fma_metadata/tracks.csv"))
    if data.tracks_csv:
        folder, _, name = data.tracks_csv.rpartition("/")
        found.append((folder, name, name))
    return found


def _bucket(path: str) -> str:
    return path.removeprefix("gs://").partition("/")[0]


def _check_bucket(
    name: str, vertex: VertexConfig, cloud: Cloud, *, written: bool
) -> Iterator[Problem]:
    from google.api_core.exceptions import NotFound

    try:
        bucket = cloud.storage.get_bucket(name)
    except NotFound:
        yield Problem(
            f"there is no bucket gs://{name}",
            f"gcloud storage buckets create gs://{name} --project={vertex.project} "
            f"--location={vertex.region} --uniform-bucket-level-access",
        )
        return
    if elsewhere := _elsewhere(bucket, vertex, written):
        yield elsewhere
    if not written:
        return
    account = vertex.service_account
    if set(_WRITING) - set(bucket.test_iam_permissions(list(_WRITING))):
        # Everything that writes runs as the service account, where one is named.
        kind = WARNING if account else ERROR
        yield Problem(
            f"you may not write to gs://{name}", _let_write(name, "user:YOUR_EMAIL"), kind
        )
    if account:
        yield from unless_out_of_reach(
            f"whether {account} may write to gs://{name}",
            lambda: _check_writer(bucket, f"serviceAccount:{account}"),
        )


def _let_write(bucket_name: str, member: str) -> str:
    return (
        f"gcloud storage buckets add-iam-policy-binding gs://{bucket_name} "
        f"--member={member} --role=roles/storage.objectAdmin"
    )


def _check_writer(bucket: Any, member: str) -> Iterator[Problem]:
    """Looks for a member in a bucket's policy; the project's, which counts too, is not read."""
    policy = bucket.get_iam_policy(requested_policy_version=3)
    if not any(
        _WRITERS.fullmatch(binding["role"]) and member in binding["members"]
        for binding in policy.bindings
    ):
        yield Problem(
            f"gs://{bucket.name} does not let {member.partition(':')[2]} write, unless a role in "
            "its project does",
            _let_write(bucket.name, member),
            WARNING,
        )


def _elsewhere(bucket: Any, vertex: VertexConfig, written: bool) -> Problem | None:
    """Returns what to say of a bucket that is not in the region of the run.

    Vertex AI keeps what it writes in a bucket of its region; what is only read may be elsewhere, at
    the cost of time and of traffic between regions.
    """
    location = str(bucket.location).lower()
    if location == vertex.region:
        return None
    certain = written and bucket.location_type == "region"
    return Problem(
        f"gs://{bucket.name} is in {location}, the run in {vertex.region}",
        f"gcloud storage buckets create gs://{bucket.name}-{vertex.region} "
        f"--project={vertex.project} --location={vertex.region}",
        ERROR if certain else WARNING,
    )


def _check_folder(path: str, file_name: str, source: str, cloud: Cloud) -> Iterator[Problem]:
    from google.api_core.exceptions import NotFound

    name, _, folder = path.removeprefix("gs://").partition("/")
    prefix = f"{folder.rstrip('/')}/" if folder.strip("/") else ""
    try:
        found = list(cloud.storage.list_blobs(name, prefix=prefix + file_name, max_results=1))
    except NotFound:
        return  # said of the bucket
    if not found:
        what = f"there is no {file_name} in {path}" if file_name else f"{path} is empty"
        command = f"gcloud storage cp --recursive '{source}' {path.rstrip('/')}/"
        yield Problem(what, command)


def _check_weights(path: str, cloud: Cloud) -> Iterator[Problem]:
    name, _, blob = path.removeprefix("/gcs/").partition("/")
    if not (blob and cloud.storage.bucket(name).blob(blob).exists()):
        yield Problem(
            f"there is no gs://{name}/{blob}, which --mobilenet-weights names",
            f"gcloud storage cp WEIGHTS.h5 gs://{name}/{blob or 'FILE'}",
        )
