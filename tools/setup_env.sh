#!/bin/sh
# Runs setup_env.py beside it with some Python 3.6 or newer: which one does not matter, since that
# script looks for the Python that .venv is made with.
set -eu
# With these set, cd could go elsewhere and -m would not look where it went.
unset CDPATH PYTHONSAFEPATH
cd "$(dirname "$0")/.."
pyenv_root=${PYENV_ROOT:-${HOME:-}/.pyenv}

for python in python3 python "$pyenv_root"/versions/3.*/bin/python "${PYTHON:-}"; do
    # Run, not only looked for: a version manager's shim may exist and fail.
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1 </dev/null; then
        exec "$python" -m tools.setup_env "$@"
    fi
done

echo "Set-up stopped: no Python 3.6 or newer to start from was found." >&2
echo "Install one: 'apt install python3' (Debian, Ubuntu) or 'dnf install python3' (Fedora)." >&2
exit 1
