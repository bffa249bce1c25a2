"""The one door to Google Cloud: where its services answer, who asks, and the clients that ask."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud import storage
    from google.cloud.aiplatform_v1 import PipelineServiceClient, ScheduleServiceClient

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_SECONDS_A_REQUEST = 30


@dataclasses.dataclass(frozen=True)
class Endpoints:
    """Where the services answer; `{region}` and `{host}`, of the image, are filled in.

    An `http://` address is a stand-in, as tests have one: it is asked without credentials.
    """

    vertex: str = "https://{region}-aiplatform.googleapis.com"
    storage: str = "https://storage.googleapis.com"
    registry: str = "https://{host}"
    iam: str = "https://iam.googleapis.com"
    service_usage: str = "https://serviceusage.googleapis.com"
    compute: str = "https://compute.googleapis.com"

    @property
    def stand_ins(self) -> bool:
        """Whether these are not Google's."""
        return self.vertex.startswith("http://")


class Cloud:
    """Clients for one project and region; nothing is read or opened before the first is asked for.

    Raises, from every member: `google.auth.exceptions.GoogleAuthError` without credentials.
    """

    def __init__(self, project: str, region: str, endpoints: Endpoints | None = None):
        """Gives clients of `project` in `region`."""
        self.project = project
        self.region = region
        self.endpoints = endpoints or Endpoints()

    @functools.cached_property
    def credentials(self) -> Credentials:
        """Application default credentials."""
        import google.auth
        from google.auth.credentials import AnonymousCredentials

        if self.endpoints.stand_ins:
            return AnonymousCredentials()
        return google.auth.default(scopes=_SCOPES, quota_project_id=self.project)[0]

    @functools.cached_property
    def pipelines(self) -> PipelineServiceClient:
        """Vertex AI's pipeline service, over gRPC."""
        from google.cloud import aiplatform_v1

        return self._grpc_client(aiplatform_v1.PipelineServiceClient)

    @functools.cached_property
    def schedules(self) -> ScheduleServiceClient:
        """Vertex AI's schedule service, over gRPC."""
        from google.cloud import aiplatform_v1

        return self._grpc_client(aiplatform_v1.ScheduleServiceClient)

    def _grpc_client(self, client: Any) -> Any:
        host = self.endpoints.vertex.format(region=self.region).partition("://")[2]
        if not self.endpoints.stand_ins:
            return client(credentials=self.credentials, client_options={"api_endpoint": host})
        import grpc

        transport = client.get_transport_class("grpc")
        return client(transport=transport(channel=grpc.insecure_channel(host)))

    @functools.cached_property
    def storage(self) -> storage.Client:
        """Cloud Storage."""
        from google.cloud import storage

        return storage.Client(
            project=self.project,
            credentials=self.credentials,
            client_options={"api_endpoint": self.endpoints.storage},
        )

    @functools.cached_property
    def _session(self) -> AuthorizedSession:
        from google.auth.transport.requests import AuthorizedSession

        return AuthorizedSession(self.credentials)

    def rest(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Asks one of the services that have no client here; returns the answer's JSON, if any.

        Raises:
            google.api_core.exceptions.GoogleAPICallError: for a status that is an error, as the
                clients do.
        """
        from google.api_core import exceptions

        response = self._session.request(
            method, url, json=json, headers=headers, timeout=_SECONDS_A_REQUEST
        )
        if response.status_code >= 400:
            raise exceptions.from_http_response(response)
        return response.json() if response.content else None
