# One subspan run over as many allocations as it takes; sourced by the .sbatch files beside it.
#
# SLURM sends USR1 before the time limit (--signal); the ranks then write a checkpoint and end with status 75, the job puts
# itself back into the queue, and its next start goes on from there. A rank or a launcher that died is tried again from the
# last checkpoint too. Bad input (2) and failures of the run itself (1) end the job.
#
# A site sets, by sbatch --export or in its module file:
#   SUBSPAN            the program (subspan)
#   SUBSPAN_LAUNCH     the launcher without a number of ranks (mpirun, bound to cores); srun: "srun --mpi=pmix --cpu-bind=cores"
#   SUBSPAN_REQUEUE=no ends with 75 instead of requeueing, for chain
#   SUBSPAN_RETRIES    how often a job is started again after ranks died (3)

# Until the ranks run there is nobody to pass a signal on to.
launcher="" stopped=no signal=no
stop() {
  stopped=yes signal=yes
  say "a signal: the ranks are to stop"
  [ -z "$launcher" ] || kill -USR1 "$launcher" 2>/dev/null
}
trap stop USR1 TERM

# A host that fell silent is noticed in seconds; `folder` is the scripts' own.
: "${OMPI_MCA_mca_base_param_files:=$folder/../openmpi/mca-params.conf,$HOME/.openmpi/mca-params.conf,/etc/openmpi/openmpi-mca-params.conf}"
export OMPI_MCA_mca_base_param_files
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}

say() { echo "$(date '+%F %T') job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)): $*"; }

# A symbolic link to the job's number beside the output: making one is atomic on shared file systems too. One that a job left
# which is no longer in the queue is taken over, by a rename, which is atomic too: of several that do, the last one has it.
lock() {
  local file=$1 owner
  until ln -s "$SLURM_JOB_ID" "$file" 2>/dev/null; do
    owner=$(readlink "$file") || continue
    [ "$owner" != "$SLURM_JOB_ID" ] || return 0
    if [ -n "$(squeue -h -j "$owner" -t RUNNING,COMPLETING,SUSPENDED,PENDING 2>/dev/null)" ]; then
      say "job $owner writes $output too: this one ends"
      exit 2
    fi
    ln -s "$SLURM_JOB_ID" "$file.$SLURM_JOB_ID" && mv -T "$file.$SLURM_JOB_ID" "$file"
    sleep 2
  done
}

requeue() {
  if [ "${SUBSPAN_REQUEUE:-yes}" = no ]; then
    rm -f "$output.lock"
    exit 75
  fi
  # A job that somebody cancelled stays cancelled.
  if [ "$(squeue -h -j "$SLURM_JOB_ID" -o %T)" != RUNNING ]; then
    rm -f "$output.lock" "$output.failures"
    exit 75
  fi
  say "back into the queue"
  scontrol requeue "$SLURM_JOB_ID" && exit 0
  rm -f "$output.lock"
  exit 75
}

# COMMAND INPUT... -o OUTPUT [--option value]...
subspan_job() {
  local argument previous="" checkpoint="" launch status
  output=""
  for argument in "$@"; do
    case $previous in -o) output=$argument ;; --checkpoint) checkpoint=$argument ;; esac
    previous=$argument
  done
  if [ -z "$output" ]; then
    say "where to? give -o OUTPUT"
    exit 2
  fi
  [ -n "$checkpoint" ] || set -- "$@" --checkpoint "$output.checkpoint"
  lock "$output.lock"
  [ $stopped = no ] || requeue
  local default="mpirun --map-by slot:PE=$OMP_NUM_THREADS --bind-to core"
  # A site that has set its own binding keeps it.
  [ -z "${OMPI_MCA_hwloc_base_binding_policy:-}" ] || default=mpirun
  read -ra launch <<<"${SUBSPAN_LAUNCH:-$default}"
  say "$SLURM_NTASKS ranks of $OMP_NUM_THREADS threads on ${SLURM_JOB_NUM_NODES:-1} nodes: subspan $*"
  "${launch[@]}" -n "$SLURM_NTASKS" "${SUBSPAN:-subspan}" "$@" --resume &
  launcher=$!
  [ $stopped = no ] || kill -USR1 $launcher
  # A signal ends `wait` with a status that is not the run's.
  while :; do
    signal=no
    wait $launcher
    status=$?
    [ $signal = yes ] && [ $status -gt 128 ] || break
  done
  trap '' USR1 TERM
  say "status $status"
  case $status in
    0 | 1 | 2) ;;
    75) requeue ;;
    *)
      # Whatever it was that ended the ranks without a checkpoint of theirs: not for ever.
      echo "$SLURM_JOB_ID" >>"$output.failures"
      if [ "$(grep -cx "$SLURM_JOB_ID" "$output.failures")" -le "${SUBSPAN_RETRIES:-3}" ]; then requeue; fi
      ;;
  esac
  rm -f "$output.lock" "$output.failures"
  exit $status
}
