"""Where the cloud begins, for the processes that stand for containers: Python imports this first.

Calls that would reach Google go to a server on this machine, without credentials; and the checkout,
which an editable install puts on the path, is not there, for an image has none.
"""

import os
import sys
from typing import Any

sys.path[:] = [
    folder for folder in sys.path if not os.path.exists(os.path.join(folder, "local_runner.py"))
]

if "LOOPBACK_VERTEX_AI" in os.environ:
    import google.auth
    import google.auth.credentials
    import grpc

    def _to_this_machine(
        target: str, credentials: object, options: Any = None, compression: Any = None
    ) -> grpc.Channel:
        return grpc.insecure_channel(os.environ["LOOPBACK_VERTEX_AI"], options, compression)

    def _nobody(*_: object, **__: object) -> tuple[google.auth.credentials.Credentials, None]:
        return google.auth.credentials.AnonymousCredentials(), None

    grpc.secure_channel = _to_this_machine
    google.auth.default = _nobody
