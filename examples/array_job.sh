#!/bin/sh
# A bench on a cluster with a queue and neither Ray nor a database server:
#
#   sbatch examples/array_job.sh bench.toml runs/parts
#   neuroloom merge runs/whole runs/parts/*        # when the array has ended
#
# Each task runs its part of the trials into a file of its own, on the node's own disk, and copies it back at the end. A
# part that was killed goes on where it was when the same task is submitted again.
#SBATCH --job-name=neuroloom
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --time=12:00:00
set -eu
bench=$1 home=$2
part=$SLURM_ARRAY_TASK_ID of=$SLURM_ARRAY_TASK_COUNT
here=$(mktemp -d)
keep() {
  mkdir -p "$home" && rm -rf "$home/.$part" && cp -R "$here" "$home/.$part"
  rm -rf "${home:?}/$part" && mv "$home/.$part" "$home/$part"
  rm -rf "$here"
}
trap keep EXIT
trap 'exit 143' TERM
if [ -d "$home/$part" ]; then cp -R "$home/$part/." "$here"; fi
neuroloom run "$bench" --out "$here" --part "$part/$of" --workers "${SLURM_CPUS_PER_TASK:-1}"
