#!/bin/sh
# A bench on a cluster with a queue and neither Ray nor a database server:
#
#   sbatch examples/array_job.sh bench.toml runs/parts
#   neuroloom merge runs/whole runs/parts/*        # when the array has ended
#
# Each task runs its part of the trials into a file of its own, on the node's own disk, and copies it back at the end. A
# part that was killed goes on where it was when its task alone is submitted again, told how many parts there are:
#
#   sbatch --array=3 examples/array_job.sh bench.toml runs/parts 16
#SBATCH --job-name=neuroloom
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --time=12:00:00
set -eu
bench=$1 home=$2
part=$SLURM_ARRAY_TASK_ID of=${3:-$SLURM_ARRAY_TASK_COUNT}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
trap 'exit 143' TERM
if [ -d "$home/$part" ]; then cp -R "$home/$part/." "$here"; fi
keep() {
  mkdir -p "$home" && rm -rf "$home/.$part" && cp -R "$here" "$home/.$part" &&
    rm -rf "${home:?}/$part" && mv "$home/.$part" "$home/$part" && rm -rf "$here" && return
  echo "part $part could not be copied back; it is left in $here" >&2
  exit 1
}
trap keep EXIT # only now, so that a copy that failed replaces nothing
neuroloom run "$bench" --out "$here" --part "$part/$of" --workers "${SLURM_CPUS_PER_TASK:-1}"
