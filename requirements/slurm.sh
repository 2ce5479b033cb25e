#!/bin/sh
# slurm.sh: Slurm's daemons and commands, for the tests of launcher=slurm, where they can be installed.
#
# No service is needed: tests bring up a cluster of their own (tests/pipeline/slurm_cluster.py). Elsewhere
# these tests are skipped, with the reason.
set -eu
command -v slurmctld >/dev/null && command -v munged >/dev/null && exit 0
[ -x /usr/sbin/slurmctld ] && [ -x /usr/sbin/munged ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Slurm is not installed here, and only root can, by apt-get: its tests will be skipped." >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null ||
    echo "Slurm cannot be installed here: its tests will be skipped." >&2
