# The batch scripts of config/slurm on a real scheduler: a job over two nodes meets its time limit, goes back into the queue, loses a
# rank, is started again, and its result has the bits of the uninterrupted run; a second job with its output is refused; bad
# input is not tried twice; an array runs a study, a chain goes on until a job finishes;
# a cancelled job stays so.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
export PATH=$PATH:/usr/sbin:/sbin SUBSPAN
skip() { echo "skipped: $*"; exit 77; }
fail_now() { fail "$@"; scontrol show job "${job:-}"; cat log* slurm/log/slurmctld; finish; exit 1; }
[ "$(id -u)" = 0 ] || skip "a scheduler of one's own needs root"
for tool in munged slurmctld slurmd; do command -v $tool >/dev/null || skip "there is no $tool (Debian: slurm-wlm, munge)"; done
unshare --uts --mount sh -c "mount --make-rprivate / && mount -t tmpfs none /dev/shm" 2>/dev/null || skip "namespaces are not allowed here"
"$python" -c 'import h5py' 2>/dev/null || skip "python3-h5py is not installed"
cd "$work" && chmod 755 . # munge wants to be reached by all
slurm=$SUBSPAN_SOURCE/tests/cluster/slurm scripts=$SUBSPAN_SOURCE/config/slurm
trap '"$slurm" stop "$work/slurm" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
exports=$("$slurm" start "$work/slurm") || fail_now "SLURM does not start"
eval "$exports"

ellipses 2
scan_and_prior
options=(scan.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --method dds --prior prior.h5 --dds_steps 200 --samples 10)
mpirun -n 2 "$SUBSPAN" recon "${options[@]}" -o whole.h5 >/dev/null || fail_now "uninterrupted"

# SLURM looks at limits every 30 s: the signal comes 5 to 35 s after the start.
submit() { sbatch --parsable --nodes 2 --ntasks-per-node 1 --time 1 --signal=B:USR1@25 --output log "$@"; }
field() { scontrol -o show job "$1" | sed -n "s/.* $2=\([A-Za-z0-9_]*\).*/\1/p"; }
# Waits for a command to be true; the limit is the whole test's, since ctest would leave a scheduler behind.
until_is() {
  until "$@"; do
    [ $SECONDS -lt 540 ] || return 1
    sleep 0.2
  done
}
is() { [ "$(field "$1" JobState)" = "$2" ]; }
requeued() { [ "$(field "$job" Restarts)" = "$1" ]; }
over() { case $(field "$1" JobState) in COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL) ;; *) false ;; esac }
ranks() { pgrep -f "^[^ ]*subspan recon .*-o out.h5 .*--resume"; }
# A requeued job waits two minutes by SLURM's own rule; what its last start left behind takes a second or two to end.
again() {
  until_is is "$job" PENDING || fail_now "not waiting in the queue"
  until_is eval '! ranks >/dev/null' || fail_now "ranks are left"
  sleep 3
  scontrol update JobId="$job" StartTime=now "$@"
}

# The ranks sleep from their first checkpoint on until the signal has come, so that they cannot be done before it.
job=$(submit "$scripts/recon.sbatch" "${options[@]}" -o out.h5 --checkpoint_interval 0.2 --monitor monitor) || fail_now "sbatch"
until_is test -s out.h5.checkpoint || fail_now "no checkpoint"
kill -STOP $(ranks)
second=$(sbatch --parsable --nodes 1 --ntasks-per-node 1 --output log2 --overcommit --oversubscribe "$scripts/recon.sbatch" "${options[@]}" -o out.h5) || fail_now "sbatch"
sampling=(--undersample uniform1d --acceleration 2 --center_fraction 0.25)
printf 'scan.h5 first.h5 --method zero_filled\nscan.h5 second.h5 --method cg\n' >study
study=$(sbatch --parsable --nodes 1 --ntasks-per-node 1 --array=1-2 --output log-%a "$scripts/study.sbatch" study "${sampling[@]}") || fail_now "sbatch"
# A program that ends with 75 when it runs for the first time.
printf '#!/bin/sh\n[ -e once ] || { touch once; exit 75; }\nexec "%s" "$@"\n' "$SUBSPAN" >stops && chmod +x stops
chain=($(SUBSPAN=./stops "$scripts/chain" 3 --nodes 1 --ntasks-per-node 1 --output log-chain "$scripts/recon.sbatch" scan.h5 "${sampling[@]}" --method cg -o third.h5)) || fail_now "chain"
cancelled=$(sbatch --parsable --nodes 1 --ntasks-per-node 1 --output log-cancelled "$scripts/recon.sbatch" "${options[@]}" --samples 1000 -o cancelled.h5) || fail_now "sbatch"
until_is test -s cancelled.h5.checkpoint || fail_now "no checkpoint of the job to be cancelled"
scancel "$cancelled"
until_is grep -q "a signal" log || fail_now "no signal before the limit"
kill -CONT $(ranks)
until_is requeued 1 || fail_now "not requeued at the limit"
grep -q "status 75" log || fail "the ranks did not end with 75: $(cat log)"
again TimeLimit=30
count=$((${count:-0} + 1))

# The second start has gone on once its checkpoint is a new one; then a rank dies.
touch mark
until_is test out.h5.checkpoint -nt mark || fail_now "not started again"
kill -9 "$(ranks | tail -n 1)"
until_is requeued 2 || fail_now "not requeued after a rank died"
grep -q "status 137" log || fail "no rank died: $(cat log)"
again
until_is over "$job" || fail_now "not finished"
is "$job" COMPLETED && [ -e out.h5 ] || fail_now "ended as $(field "$job" JobState): $(cat log)"
[ ! -L out.h5.lock ] && [ ! -e out.h5.failures ] || fail "a lock is left"
count=$((count + 1))
# Neither start after the first one has begun anew.
[ "$(grep -c '"slice": 0, "sample": 0, "iteration": 1,' monitor)" = 1 ] || fail "not resumed: $(head -3 monitor)"
for array in reconstruction phase deviation reference; do same $array whole.h5 out.h5 || fail "$array differs from the uninterrupted run's"; done
count=$((count + 1))
until_is is "$second" FAILED && grep -q "job $job writes out.h5 too" log2 || fail "two jobs for one output: $(cat log2)"
count=$((count + 1))
until_is over "${study}_1" && until_is over "${study}_2" && [ -e first.h5 ] && [ -e second.h5 ] || fail "a study: $(cat log-1 log-2)"
for i in 0 1 2; do until_is over "${chain[i]}" || fail "a chain's job $i: $(field "${chain[i]}" JobState)"; done
is "${chain[0]}" FAILED && is "${chain[1]}" COMPLETED && is "${chain[2]}" CANCELLED && [ -e third.h5 ] && [ ! -L third.h5.lock ] || fail "a chain: $(cat log-chain)"
is "$cancelled" CANCELLED && [ ! -L cancelled.h5.lock ] || fail "a cancelled job: $(field "$cancelled" JobState), $(cat log-cancelled)"
count=$((count + 3))

job=$(submit "$scripts/recon.sbatch" nowhere.h5 -o bad.h5)
until_is over "$job" || fail "bad input: not ended"
is "$job" FAILED && requeued 0 && grep -q 'nowhere.h5' log || fail "bad input: $(field "$job" JobState), $(cat log)"
count=$((count + 1))
finish
