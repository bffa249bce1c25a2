"""What goes wrong between here and Google Cloud, each as one sentence with what mends it."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from pipeline.errors import InputError, OutageError
from pipeline.vertex.settings import VertexConfig

_T = TypeVar("_T")

LOGIN = "gcloud auth application-default login"
_METRIC = re.compile(r"[a-z]+\.googleapis\.com/[a-z0-9_]+")
_ACCOUNT = re.compile(r"[\w.-]+@[\w.-]+\.gserviceaccount\.com")
_API_IS_OFF = re.compile(r"\b([a-z]+\.googleapis\.com)\b")
# Every resource has a location in its name, whatever is wrong with it.
_RESOURCE_NAME = re.compile(r"\S*\b(projects|locations)/\S+")
_AGAIN = "run the same command again later"


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a service that is out for a moment is asked again: ever later, up to a limit."""

    first_seconds: float = 1.0
    longest_seconds: float = 15.0
    all_seconds: float = 90.0


# A job takes hours: what comes back within a quarter of one is no reason to leave it.
JOB_PATIENCE = Patience(first_seconds=1.0, longest_seconds=60.0, all_seconds=900.0)


def is_out(error: Exception) -> bool:
    """Returns whether a service could not be asked just now, so that asking again may help."""
    from google.api_core.exceptions import DeadlineExceeded, ServiceUnavailable

    return isinstance(error, ServiceUnavailable | DeadlineExceeded)


def is_transient(error: Exception) -> bool:
    """Returns whether what only looks may just look again: what `is_out`, and much besides.

    A fault inside of the service, a rate limit, a connection that broke while a laptop slept, a
    token that could not be renewed.
    """
    from google.api_core import exceptions, retry
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GoogleAuthError) and error.retryable:
        return True
    return isinstance(error, exceptions.ServerError) or bool(retry.if_transient_error(error))


def with_patience(
    call: Callable[[], _T],
    patience: Patience,
    say: Callable[[str], None],
    again_if: Callable[[Exception], bool] = is_out,
) -> _T:
    """Returns what `call` returns, asked again while the service is out.

    Args:
        call: idempotent, or harmless when it is made twice.
        patience: how long.
        say: is told once that there is a wait.
        again_if: which errors are worth another try.

    Raises:
        google.api_core.exceptions.RetryError: where the service stays out.
    """
    from google.api_core import retry

    waits = False

    def on_error(error: Exception) -> None:
        nonlocal waits
        if not waits:
            say(f"Vertex AI does not answer ({_first_line(error)}); asking again")
        waits = True

    asked_again = retry.Retry(
        predicate=again_if,
        initial=patience.first_seconds,
        maximum=patience.longest_seconds,
        timeout=patience.all_seconds,
        on_error=on_error,
    )
    result: _T = asked_again(call)()
    return result


@contextlib.contextmanager
def explained(vertex: VertexConfig, then: str = _AGAIN) -> Iterator[None]:
    """Turns Google's errors into `InputError`, or `OutageError` where nobody here is to blame.

    Args:
        vertex: whose flags a sentence names.
        then: what to do when a service is back.
    """
    try:
        yield
    except Exception as error:
        if not _is_google_s(error):
            raise
        raise _kind(error)(explain(error, vertex, then)) from error


@contextlib.contextmanager
def explained_reading(vertex: VertexConfig) -> Iterator[None]:
    """Does the same for errors of Cloud Storage, also where Beam has wrapped them."""
    from apache_beam.io.filesystem import BeamIOError

    try:
        yield
    except Exception as error:
        cause = _inside(error)
        if not (_is_google_s(cause) or isinstance(cause, BeamIOError)):
            raise
        raise _kind(cause)(_explain_reading(cause, vertex)) from error


def _is_google_s(error: Exception) -> bool:
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return isinstance(error, GoogleAPIError | GoogleAuthError) or is_transient(error)


def _kind(error: Exception) -> type[Exception]:
    from google.api_core.exceptions import RetryError, TooManyRequests

    if isinstance(error, TooManyRequests):  # a quota, which the user can raise
        return InputError
    return OutageError if isinstance(error, RetryError) or is_transient(error) else InputError


def _inside(error: Exception) -> Exception:
    """Returns the error of the first path that Beam could not read, else the error itself."""
    details = getattr(error, "exception_details", None) or {}
    causes = [cause for cause in details.values() if isinstance(cause, Exception)]
    return _inside(causes[0]) if causes else error


def _explain_reading(error: Exception, vertex: VertexConfig) -> str:
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    said = _first_line(error)
    flags = "--audio-dir, --metadata-dir and --mobilenet-weights"
    if isinstance(error, exceptions.Forbidden):
        return (
            f"you may not read the input ({said}): have the owner of the bucket run `gcloud "
            "storage buckets add-iam-policy-binding gs://BUCKET --member=user:YOUR_EMAIL "
            "--role=roles/storage.objectViewer`"
        )
    if isinstance(error, exceptions.NotFound):
        return f"the input is not there ({said}): check {flags}"
    if isinstance(error, exceptions.RetryError | exceptions.ServerError):
        return f"Cloud Storage stays out ({said}): {_AGAIN}"
    if isinstance(error, auth.GoogleAuthError | exceptions.Unauthorized) or is_transient(error):
        return explain(error, vertex)
    return f"Cloud Storage does not give the input ({said}): check {flags}"


def explain(error: Exception, vertex: VertexConfig, then: str = _AGAIN) -> str:
    """Returns one sentence for an error of Google's clients; `then` is for after an outage."""
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    said = _first_line(error)
    refused = isinstance(error, auth.GoogleAuthError | exceptions.Unauthorized)
    if isinstance(error, auth.DefaultCredentialsError):
        return f"there are no Google Cloud credentials here: run `{LOGIN}`"
    if refused and not is_transient(error):
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
        return _out(error, vertex, then)
    if is_transient(error):
        return f"Google Cloud is out of reach ({said}): check the network and its proxy; {then}"
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


def act_as_command(vertex: VertexConfig, account: str, member: str = "user:YOUR_EMAIL") -> str:
    """Returns the command that lets a member of the project run jobs as a service account."""
    return (
        f"gcloud iam service-accounts add-iam-policy-binding {account or 'SERVICE_ACCOUNT'} "
        f"--project={vertex.project} --member={member} --role=roles/iam.serviceAccountUser"
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
    if re.search("location|region", _RESOURCE_NAME.sub("", said), re.IGNORECASE):
        return (
            f"something is not in --region {vertex.region} ({said}): the bucket of "
            "--pipeline-root, the encryption key and the network have to be there; "
            "`gcloud storage buckets describe gs://BUCKET --format='value(location)'` "
            "shows a bucket's"
        )
    return f"Vertex AI refused the job as invalid ({said}): compile it anew and submit that"


def _out(error: Exception, vertex: VertexConfig, then: str) -> str:
    cause = getattr(error, "cause", None) or error
    said = _first_line(cause)
    if "DNS" in said:
        return (
            f"there is no Vertex AI at {vertex.region}-aiplatform.googleapis.com ({said}): "
            f"check --region and the network; {then}"
        )
    return (
        f"Vertex AI in {vertex.region} stays out ({said}): {then}; "
        "https://status.cloud.google.com tells of outages"
    )
