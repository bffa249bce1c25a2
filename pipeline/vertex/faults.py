"""What goes wrong between here and Google Cloud, each as one sentence with what mends it."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from pipeline.errors import InputError
from pipeline.vertex.settings import VertexConfig

_T = TypeVar("_T")

LOGIN = "gcloud auth application-default login"
_METRIC = re.compile(r"[a-z]+\.googleapis\.com/[a-z0-9_]+")
_ACCOUNT = re.compile(r"[\w.-]+@[\w.-]+\.gserviceaccount\.com")
_API_IS_OFF = re.compile(r"\b([a-z]+\.googleapis\.com)\b")


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a service that is out for a moment is asked again: ever later, up to a limit."""

    first_seconds: float = 1.0
    longest_seconds: float = 15.0
    all_seconds: float = 90.0


def with_patience(call: Callable[[], _T], patience: Patience, say: Callable[[str], None]) -> _T:
    """Returns what `call` returns, asked again while the service is out.

    Args:
        call: idempotent, or harmless when it is made twice.
        patience: how long.
        say: is told once that there is a wait.

    Raises:
        google.api_core.exceptions.RetryError: where the service stays out.
    """
    from google.api_core import exceptions, retry

    waits = False

    def on_error(error: Exception) -> None:
        nonlocal waits
        if not waits:
            say(f"Vertex AI does not answer ({_first_line(error)}); asking again")
        waits = True

    asked_again = retry.Retry(
        predicate=retry.if_exception_type(
            exceptions.ServiceUnavailable, exceptions.DeadlineExceeded
        ),
        initial=patience.first_seconds,
        maximum=patience.longest_seconds,
        timeout=patience.all_seconds,
        on_error=on_error,
    )
    result: _T = asked_again(call)()
    return result


@contextlib.contextmanager
def explained(vertex: VertexConfig) -> Iterator[None]:
    """Turns Google's errors into `InputError`, where there is something to say about them."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (GoogleAPIError, GoogleAuthError) as error:
        raise InputError(explain(error, vertex)) from error


def explain(error: Exception, vertex: VertexConfig) -> str:
    """Returns one sentence for an error of Google's clients."""
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    said = _first_line(error)
    if isinstance(error, auth.DefaultCredentialsError):
        return f"there are no Google Cloud credentials here: run `{LOGIN}`"
    if isinstance(error, auth.TransportError):
        return f"Google Cloud is out of reach ({said}): check the network and its proxy"
    if isinstance(error, auth.GoogleAuthError | exceptions.Unauthenticated):
        return f"Google Cloud does not take the credentials ({said}): run `{LOGIN}`"
    if isinstance(error, exceptions.Forbidden):
        return _forbidden(said, vertex)
    if isinstance(error, exceptions.TooManyRequests):
        return _out_of_quota(said, vertex)
    if isinstance(error, exceptions.NotFound):
        return (
            f"Vertex AI does not find what the job needs ({said}): check --project "
            f"{vertex.project} and --region {vertex.region}"
        )
    if isinstance(error, exceptions.BadRequest):
        return _refused(said, vertex)
    if isinstance(error, exceptions.RetryError | exceptions.ServerError):
        return _out(error, vertex)
    return f"Vertex AI refused the request: {said}"


def _first_line(error: BaseException) -> str:
    """Returns what the service said, without the status and details that its client adds."""
    text = getattr(error, "message", None) or str(error)
    lines = str(text).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _forbidden(said: str, vertex: VertexConfig) -> str:
    if "has not been used" in said or "is disabled" in said:
        found = _API_IS_OFF.search(said)
        api = found[1] if found else "aiplatform.googleapis.com"
        return (
            f"the API {api} is off in project {vertex.project}: run "
            f"`gcloud services enable {api} --project={vertex.project}`"
        )
    if "actAs" in said or "act as" in said:
        found = _ACCOUNT.search(said)
        return (
            f"you may not run jobs as the service account ({said}): run "
            f"`{act_as_command(vertex, found[0] if found else vertex.service_account)}`"
        )
    return (
        f"you may not use Vertex AI in project {vertex.project} ({said}): have its owner run "
        f"`gcloud projects add-iam-policy-binding {vertex.project} --member=user:YOUR_EMAIL "
        f"--role=roles/aiplatform.user`"
    )


def act_as_command(vertex: VertexConfig, account: str) -> str:
    """Returns the command that lets a user run jobs as a service account."""
    return (
        f"gcloud iam service-accounts add-iam-policy-binding {account or 'SERVICE_ACCOUNT'} "
        f"--project={vertex.project} --member=user:YOUR_EMAIL "
        "--role=roles/iam.serviceAccountUser"
    )


def quota_command(vertex: VertexConfig, metric: str) -> str:
    """Returns the command that shows a quota of Vertex AI."""
    return (
        f"gcloud beta quotas info list --service={metric.partition('/')[0]} "
        f"--project={vertex.project} --filter=metric:{metric}"
    )


def _out_of_quota(said: str, vertex: VertexConfig) -> str:
    found = _METRIC.search(said)
    if not found:
        return f"a quota of project {vertex.project} is used up ({said}): {_ask_for_more(vertex)}"
    return (
        f"the quota {found[0]} of project {vertex.project} in {vertex.region} is used up: "
        f"`{quota_command(vertex, found[0])}` shows it; {_ask_for_more(vertex)}"
    )


def _ask_for_more(vertex: VertexConfig) -> str:
    return (
        "ask for more at "
        f"https://console.cloud.google.com/iam-admin/quotas?project={vertex.project}"
    )


def _refused(said: str, vertex: VertexConfig) -> str:
    if any(word in said.lower() for word in ("location", "region")):
        return (
            f"something is not in --region {vertex.region} ({said}): the bucket of "
            "--pipeline-root, the encryption key and the network have to be there; "
            "`gcloud storage buckets describe gs://BUCKET --format='value(location)'` "
            "shows a bucket's"
        )
    return f"Vertex AI refused the job as invalid ({said}): compile it anew and submit that"


def _out(error: Exception, vertex: VertexConfig) -> str:
    cause = getattr(error, "cause", None) or error
    said = _first_line(cause)
    if "DNS" in said:
        return (
            f"there is no Vertex AI at {vertex.region}-aiplatform.googleapis.com ({said}): "
            "check --region and the network"
        )
    if vertex.schedule:
        first = (
            "see that https://console.cloud.google.com/vertex-ai/pipelines/schedules?project="
            f"{vertex.project} has no new schedule, then run"
        )
    else:
        first = "run"
    return (
        f"Vertex AI in {vertex.region} stays out ({said}): {first} the same command again later; "
        "https://status.cloud.google.com tells of outages"
    )
