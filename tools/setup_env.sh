#!/bin/sh
# Makes .venv with uv: the newest TFX that glibc and the Pythons here allow, in pinned packages.
#
#   setup_env.sh install    make .venv, or do nothing where it is up to date
#   setup_env.sh weights    get the weights of musicnn again
#   setup_env.sh versions   print what a bug report needs
#   setup_env.sh uv ...     run the pinned uv, with pip's index and certificates
#
# PYTHON=/path/to/python decides the interpreter, and with it the version of TFX.
set -eu
unset CDPATH
cd "${0%/*}/.."

log=.venv/install.log
pyenv=${PYENV_ROOT:-${HOME:-}/.pyenv}
newline='
'
cure='Install what is missing, then try again:
  Debian 13, Ubuntu 24.04:  apt install g++ python3-dev python3-venv
  Ubuntu 22.04:             apt install g++ python3.10-dev python3-venv
  Fedora:                   dnf install gcc-c++ python3.13-devel
  elsewhere:                a C++ compiler, and pyenv install 3.13, or 3.10 for glibc before 2.38
To name a Python: make install PYTHON=/path/to/python'

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "Set-up stopped: $1"
    exit 1
}

logged() { # WHAT COMMAND...
    what=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null ||
        stop "$what failed. The end of $PWD/$log:$newline$(tail -n 8 "$log")"
}

use_version() { # VERSION of Python: sets what goes with it
    version=$1 tfx=1.21
    case $version in 3.10.*) tfx=1.16 ;; esac
    requirements=requirements/tfx-$tfx.txt
}

stamp() { # what .venv is made from
    printf '%s\nPython %s\n' "$PWD" "$version"
    sha256sum "$requirements" requirements/musicnn.txt setup.py
}

up_to_date() {
    use_version "$(.venv/bin/python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')"
    [ "$(stamp)" = "$(cat .venv/setup-done)" ] &&
        { [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" --version)" = "Python $version" ]; }
} 2>/dev/null

check_machine() { # sets starter, which can install uv, and pythons, the best first
    # Exported, or else Python calls the compilers that it was built with.
    export CC="${CC:-cc}" CXX="${CXX:-c++}"
    missing=
    for program in flock "${CC%% *}" "${CXX%% *}"; do
        command -v "$program" >/dev/null || missing="$missing $program,"
    done
    for starter in python3 python "$pyenv"/versions/3.*/bin/python "${PYTHON:-}" ""; do
        "$starter" -c 'import sys, ensurepip; assert sys.version_info >= (3, 8)' && break
    done >/dev/null 2>&1 </dev/null
    [ -n "$starter" ] || missing="$missing Python 3.8 or newer with venv,"
    [ -z "$missing" ] || stop "not found:${missing%,}. $cure"
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || glibc="another C library"
    pythons=3.10 reason="TFX 1.21 needs glibc 2.38 or newer, and this is $glibc"
    case "$(uname -sm), $glibc" in
        "Linux x86_64, glibc 2.2"[89] | "Linux x86_64, glibc 2.3"[0-7]) ;;
        "Linux x86_64, glibc 2."[3-9][0-9])
            pythons="3.13 3.12 3.11 3.10" reason="$glibc is new enough" ;;
        *) stop "the pinned packages need Linux on x86-64 and glibc 2.28 or newer; \
this is $(uname -sm), $glibc." ;;
    esac
}

install_uv() {
    cmp -s requirements/uv.txt .venv-tools/uv.txt && .venv-tools/bin/uv --version >/dev/null &&
        .venv-tools/bin/python -m pip --version >/dev/null && return
    "$starter" -m venv --clear .venv-tools &&
        .venv-tools/bin/python -m pip install --require-hashes -r requirements/uv.txt &&
        cp requirements/uv.txt .venv-tools/uv.txt
}

use_pip_settings() { # for uv, which reads neither pip.conf nor PIP_*
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}" # as pip does
    settings=$(.venv-tools/bin/python -m pip config list)
    for pair in UV_DEFAULT_INDEX=index-url UV_INDEX=extra-index-url SSL_CERT_FILE=cert \
        ALL_PROXY=proxy UV_HTTP_TIMEOUT=timeout UV_HTTP_TIMEOUT=default-timeout; do
        name=${pair%=*}
        value=$(echo "$settings" | sed -n "s/^[^.]*\.${pair#*=}='\(.*\)'$/\1/p" | head -n 1 |
            sed 's/\\n/ /g; s/^ *//') # several values stand in lines of their own
        [ -z "$value" ] || eval "export $name=\"\${$name:-\$value}\""
    done
}

uv() {
    # What pyenv has comes first, since uv stops at a shim that does not run.
    PATH="$(printf '%s:' "$pyenv"/versions/*/bin)$PATH" .venv-tools/bin/uv "$@"
}

# Prints version and path or, last, what is wrong with the Python that runs it, a Python 2 maybe.
probe='
import os, sys, sysconfig
if "%d.%d" % sys.version_info[:2] not in sys.argv[1:]:
    sys.exit("it is Python %d.%d.%d" % sys.version_info[:3])
if sysconfig.get_config_var("SOABI") != "cpython-%d%d-x86_64-linux-gnu" % sys.version_info[:2]:
    sys.exit("it is not the usual CPython for Linux on x86-64")
if not os.path.exists(sysconfig.get_path("include") + "/Python.h"):
    sys.exit("it has no Python.h (apt install python%d.%d-dev)" % sys.version_info[:2])
import bz2, ctypes, lzma, sqlite3, ssl
# Without links, since it may be the Python of .venv, which is about to go.
print("%d.%d.%d " % sys.version_info[:3] + os.path.realpath(sys.executable))
'

fits() { # PYTHON: sets python and what goes with its version, or fault
    fault="it does not run"
    "$1" -c '' >/dev/null 2>&1 </dev/null || return
    # shellcheck disable=SC2086 # an argument for each version
    found=$("$1" -c "$probe" $pythons 2>&1 </dev/null) || {
        fault=${found##*"$newline"}
        return 1
    }
    use_version "${found%% *}"
    python=${found#* }
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || stop "PYTHON=$PYTHON cannot be used: $fault.
Name a Python $pythons ($reason), or leave PYTHON out to search for one."
        reason="it was asked for"
        return
    fi
    tried=
    for wanted in $pythons; do
        if path=$(uv python find --system --no-python-downloads "$wanted" 2>/dev/null) && fits "$path"; then
            [ -z "$tried" ] || reason="there is no usable Python$tried"
            return
        fi
        tried="$tried $wanted${path:+ ($path: $fault)}"
    done
    say "no usable Python$tried: fetching one with uv ..."
    { uv python install --no-bin "${pythons%% *}" >>"$log" 2>&1 </dev/null &&
        fits "$(uv python find --managed-python "${pythons%% *}")"; } ||
        stop "no usable Python$tried, and uv could not fetch one; the end of $PWD/$log:
$(tail -n 1 "$log")
$cure"
}

install() {
    check_machine
    exec 9<.
    flock 9 # a second set-up waits for the first
    if up_to_date; then return; fi
    if [ -L .venv ] || { [ -n "$(ls -A .venv 2>/dev/null)" ] && [ ! -e "$log" ]; }; then
        stop "$PWD/.venv was not made here and is left alone: move it away and try again."
    fi
    mkdir -p .venv
    : >"$log"
    logged "installing uv" install_uv
    use_pip_settings
    find_python
    say "TFX $tfx on Python $version ($python), since $reason"
    say "installing $(grep -c '^[^ #]' "$requirements") packages, a few minutes; details in $log ..."
    # All but the log, by which a half made .venv is known to be ours.
    rm -f .venv/setup-done
    find .venv -mindepth 1 -maxdepth 1 ! -name install.log -exec rm -rf {} +
    logged "making .venv" uv venv --allow-existing --python "$python" .venv
    # What builds the packages without a wheel is in the same file. With hashes any index may serve.
    # Bytecode at once, in some 20 s: with PYTHONDONTWRITEBYTECODE, as in many containers, every process
    # would compile TensorFlow again.
    logged "installing $requirements" uv --preview-features build-dependency-hashes pip sync \
        --compile-bytecode --python .venv/bin/python --index-strategy unsafe-best-match \
        --require-hashes --require-build-hashes --build-constraints "$requirements" "$requirements"
    # Editable, so that Beam's workers import the project wherever they start; in setuptools' compat
    # mode the folder itself is on the path, and a new package needs no new set-up.
    logged "installing the project" uv pip install --python .venv/bin/python --no-deps \
        --no-build-isolation --config-setting editable_mode=compat --editable .
    logged "checking the installed set" uv pip check --python .venv/bin/python
    weights
    stamp >.venv/setup-done.new
    mv .venv/setup-done.new .venv/setup-done # at once or not at all
    say ".venv is ready"
}

weights() { # of musicnn: 3 MB of a package of 29
    if uv pip install --target .venv/musicnn --no-deps --require-hashes \
        --index-strategy unsafe-best-match -r requirements/musicnn.txt >>"$log" 2>&1 </dev/null &&
        .venv/bin/python -m features.musicnn_weights .venv/musicnn/musicnn/MSD_musicnn >>"$log" 2>&1
    then
        rm -rf .venv/musicnn
    else
        say "The weights of musicnn could not be fetched, so that model is not available; all else is.
'make weights' tries again; details in $log"
    fi
}

versions() {
    echo "checkout  $(git describe --always --dirty --exclude='*' 2>/dev/null || echo no git checkout)"
    echo "machine   $(uname -srm), $(getconf GNU_LIBC_VERSION || echo no glibc), $(nproc) CPUs"
    ! command -v nvidia-smi >/dev/null ||
        echo "GPU       $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader)"
    if up_to_date; then state="$requirements, Python $version"; else state="not up to date: run make install"; fi
    echo ".venv     $state"
    .venv-tools/bin/uv pip freeze --python .venv/bin/python 2>&1 || true
}

case ${1:-} in
    install) up_to_date || install ;;
    weights)
        up_to_date || stop ".venv is not up to date: run make install"
        use_pip_settings
        weights
        ;;
    versions) versions ;;
    uv)
        shift
        check_machine
        install_uv >&2 || stop "pip could not install uv. $cure"
        use_pip_settings
        uv "$@"
        ;;
    *)
        say "usage: setup_env.sh install | weights | versions | uv ..."
        exit 2
        ;;
esac
