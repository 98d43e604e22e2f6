# Eigenpairs of a large graph whose solve is killed at a random moment (any rank, SIGKILL) or stopped by a signal: a resume
# goes on from the vectors that were there, on any number of ranks, and gives the same pairs; converged ones are kept.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
n, m = 170, 140 # no eigenvalue is double
name = lambda i: i * 1009 % (n * m) # neighbours far apart: nodes are moved for the solve, and checkpoints are not
with open("grid.txt", "w") as f:
    for i in range(n * m):
        if (i + 1) % m: print(name(i), name(i + 1), file=f)
        if i + m < n * m: print(name(i), name(i + m), file=f)
P
options=(grid.txt --laplacian combinatorial --eigenpairs 12 --tolerance 1e-8)
same_pairs() {
  "$python" - "$@" <<'P' || fail "$* differ"
import sys, h5py, numpy as np
a, b = map(h5py.File, sys.argv[1:])
assert np.allclose(a["eigenvalues"], b["eigenvalues"], rtol=1e-12, atol=1e-14)
assert np.allclose(a["eigenvectors"], b["eigenvectors"], atol=1e-7)
assert (b["residuals"][1:] <= 1e-8 * b["eigenvalues"][1:]).all()
P
  count=$((${count:-0} + 1))
}
"$SUBSPAN" encode "${options[@]}" -o whole.h5 --json whole.json >said || fail "uninterrupted"
grep -q "coarse to fine" said || fail "another solver: $(grep solver said)"
begin=$(date +%s%N)
"$SUBSPAN" encode "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null || fail "with checkpoints"
took=$((($(date +%s%N) - begin) / 1000000))
same_pairs whole.h5 part.h5
# What converged is kept: nothing is left to do but to measure.
mpirun -n 3 "$SUBSPAN" encode "${options[@]}" --checkpoint run.h5 --resume -o part.h5 --json part.json >said || fail "resume at the end"
grep -q resumed said || fail "the resume did not say so"
"$python" -c 'import json, sys; a, b = (json.load(open(n))["iterations"] for n in sys.argv[1:]); sys.exit(b >= a / 2)' whole.json part.json ||
  fail "the resume began anew"
same_pairs whole.h5 part.h5
for ranks in 1 2; do
  launch=()
  [ $ranks = 1 ] || launch=(mpirun -n $ranks)
  for i in $(seq $((${KILLS:-6} / 2))); do
    rm -f run.h5* part.h5
    "${launch[@]}" "$SUBSPAN" encode "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null 2>&1 &
    launcher=$!
    until [ -e run.h5 ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.02; done
    wait_ms=$(((RANDOM * 32768 + RANDOM) % (took / 2 + 1)))
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    victim=$launcher
    [ $ranks = 1 ] || victim=$(pgrep -P $launcher -x subspan | shuf -n 1)
    kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1))
    ended $launcher 2>/dev/null
    mpirun -n $((3 - ranks)) "$SUBSPAN" encode "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >said || fail "resume after $wait_ms ms on $ranks ranks"
    grep -q resumed said || fail "no checkpoint after $wait_ms ms"
    same_pairs whole.h5 part.h5
  done
done
[ "${killed:-0}" -ge 2 ] || fail "only ${killed:-0} runs were killed before they ended"
# A signal: the next correction ends, its vectors are written, status 75.
rm -f run.h5* part.h5
"$SUBSPAN" encode "${options[@]}" --tolerance 1e-12 --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null 2>&1 &
launcher=$!
until [ -e run.h5 ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.02; done
kill -TERM $launcher
wait $launcher
status=$?
[ $status = 75 ] || fail "status $status after SIGTERM, not 75"
[ ! -e part.h5 ] || fail "an output after a signal"
"$SUBSPAN" encode "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume after a signal"
same_pairs whole.h5 part.h5
refused "run.h5" encode "${options[@]}" --eigenpairs 13 --checkpoint run.h5 --resume -o out.h5
refused "give --checkpoint" encode "${options[@]}" --resume -o out.h5
finish
