"""What is checked before a job is submitted: the buckets and the images, a request each."""

from __future__ import annotations

from common.errors import InputError
from pipeline.config import PipelineConfig
from pipeline.vertex import faults
from pipeline.vertex.settings import VertexConfig

_CREATE = "storage.objects.create"
# An image by itself and an index of images, as Docker and OCI have them.
_MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)
_SECONDS_A_REQUEST = 30


def check(config: PipelineConfig, vertex: VertexConfig) -> None:
    """Looks for what the job writes to and what it is started from.

    Raises:
        InputError: for a bucket that is missing or may not be written to, a missing image, and
            without credentials.
        OutageError: where Google does not answer.
    """
    written = config.pipeline_root, config.serving_model_dir
    for name in sorted({path.removeprefix("gs://").partition("/")[0] for path in written}):
        _check_bucket(name, vertex)
    for image in sorted({vertex.image, vertex.network_image or vertex.image}):
        _check_image(image)


def _check_bucket(name: str, vertex: VertexConfig) -> None:
    from google.cloud import storage

    with faults.explained(f"cannot use the bucket gs://{name}"):
        bucket = storage.Client(project=vertex.project).bucket(name)
        allowed = bucket.test_iam_permissions([_CREATE])
    # A job writes as its service account, which may do what the user may not.
    if not allowed and not vertex.service_account:
        raise InputError(f"you may not write to gs://{name}: {_CREATE} is denied")


def _check_image(image: str) -> None:
    """Asks Google's registries for an image; another one must not get the user's token."""
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    host, _, rest = image.partition("/")
    if host != "gcr.io" and not host.endswith((".gcr.io", ".pkg.dev")):
        return
    name, _, digest = rest.partition("@")
    repository, _, tag = name.partition(":")
    with faults.explained(f"cannot look for the image {image}"):
        credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
        answer = AuthorizedSession(credentials).head(
            f"https://{host}/v2/{repository}/manifests/{digest or tag or 'latest'}",
            headers={"Accept": _MANIFESTS},
            timeout=_SECONDS_A_REQUEST,
        )
    # Who may not look at it may still run it, as a service account.
    if answer.status_code == 404:
        raise InputError(f"there is no image {image}: build and push it, see docs/vertex.md")
