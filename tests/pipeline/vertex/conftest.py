from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth
import grpc
import pytest
from google.auth.credentials import AnonymousCredentials

from tests.pipeline.vertex.google_stand_in import Google, serving


@pytest.fixture
def google_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Google Cloud on this machine, where Google's own clients are sent."""
    with serving(tmp_path / "buckets") as stand_in:

        def to_this_machine(
            target: str, credentials: object, options: Any = None, compression: Any = None
        ) -> grpc.Channel:
            return grpc.insecure_channel(stand_in.rpc_address, options, compression)

        nobody = AnonymousCredentials(), None
        monkeypatch.setattr(grpc, "secure_channel", to_this_machine)
        monkeypatch.setattr(google.auth, "default", lambda *_, **__: nobody)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", stand_in.http_address)
        yield stand_in
