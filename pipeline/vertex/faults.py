"""Errors of Google's clients: which are worth another try, and how they are reported."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from common.errors import InputError, OutageError

_T = TypeVar("_T")


# A job takes hours: what comes back within a quarter of one is no reason to leave it.
JOB_PATIENCE = {"initial": 1.0, "maximum": 60.0, "timeout": 900.0}


def is_transient(error: Exception) -> bool:
    """Returns whether a call that changes nothing is worth another try.

    True for an error inside the service, a rate limit, a broken connection, and a token that could
    not be refreshed.
    """
    from google.api_core import exceptions, retry
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GoogleAuthError):
        return bool(error.retryable)
    is_of_the_service = isinstance(error, exceptions.ServerError | exceptions.RetryError)
    return is_of_the_service or bool(retry.if_transient_error(error))


def with_patience(call: Callable[[], _T], report: Callable[[str], None]) -> _T:
    """Returns what `call` returns, and retries it while the service is unavailable.

    Args:
        call: must be idempotent.
        report: is called with a message for each retry.

    Raises:
        google.api_core.exceptions.RetryError: where the service stays unavailable.
    """
    from google.api_core import retry

    def on_error(error: Exception) -> None:
        report(f"Google Cloud does not answer ({_first_line(error)}); retrying")

    retried = retry.Retry(predicate=is_transient, on_error=on_error, **JOB_PATIENCE)
    result: _T = retried(call)()
    return result


@contextlib.contextmanager
def explained(doing: str, if_out: str = "try again later") -> Iterator[None]:
    """Passes on what Google says as one sentence, also where Beam has wrapped it.

    Args:
        doing: what fails.
        if_out: what to do after an outage.

    Raises:
        InputError: for what the user can change, such as a missing permission or quota.
        OutageError: for everything else.
    """
    from google.api_core.exceptions import GoogleAPIError, TooManyRequests
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        cause = _cause(error)
        sentence = f"{doing}: {_first_line(cause)}"
        if is_transient(cause) and not isinstance(cause, TooManyRequests):
            raise OutageError(f"{sentence}; {if_out}") from error
        raise InputError(sentence) from error


def _cause(error: Exception) -> Exception:
    """Returns what Beam says of the first path that it could not read, else the error itself."""
    details = getattr(error, "exception_details", None) or {}
    causes = [cause for cause in details.values() if isinstance(cause, Exception)]
    return _cause(causes[0]) if causes else error


def _first_line(error: Exception) -> str:
    if last := getattr(error, "cause", None):  # of a RetryError
        return _first_line(last)
    text = str(getattr(error, "message", None) or error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
