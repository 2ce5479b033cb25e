#!/bin/sh
# install.sh PYTHON cpu|cuda [vllm|ray]: the pinned packages into the environment of PYTHON.
#
# requirements/{cpu,cuda}.lock pin everything with hashes, so nothing is resolved here (--no-deps).
# uv installs them in seconds; pip does the same where uv will not run. torch on a Linux machine
# without a GPU is the exception: the public index has only the CUDA build (several GB with its
# libraries), so its CPU build comes from PyTorch's own index, or from wherever pip is told to look.
set -eu
python=$1 device=$2 extra=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
torch=$(grep '^torch==' "$here/overrides.txt")
uv=$(grep -o '^uv==[^ ]*' "$here/cpu.lock")

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is not Python 3.11 or newer. Remove it (make clean), then: make setup" >&2
    exit 1
}

pip_install() { "$python" -m pip install -q --disable-pip-version-check --no-deps "$@"; }

install() {
    "$python" -m uv pip install -q --python "$python" --no-deps "$@" || pip_install "$@"
}

if [ "$extra" = ray ]; then # beyond what is there
    install --require-hashes -r "$here/ray.lock"
    exit
fi

cpu_torch() {
    if [ "$(uname -s)" = Darwin ]; then
        pip_install "$torch"
    else
        pip_install --retries 1 --timeout 15 \
            --index-url https://download.pytorch.org/whl/cpu "$torch+cpu"
    fi
}

echo "Installing the pinned packages for a $device machine${extra:+, $extra}: a minute or two."
if [ "$device" = cpu ] && ! cpu_torch; then
    echo "No CPU build of $torch was found: taking the CUDA build, a download of several GB." >&2
    device=cuda
fi
pip_install "$uv" || echo "uv cannot be installed here: pip alone takes some minutes." >&2
install --require-hashes -r "$here/${extra:+$extra-}$device.lock"
install --require-hashes -r "$here/gym.lock" ||
    echo "reasoning-gym was not installed (a part of it needs a C compiler); all else works." >&2
install --no-build-isolation -e "$here/.."
