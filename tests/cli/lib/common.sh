# What the scripts share: a temporary folder, mpirun as root, and expectations.
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=/usr/bin/python3
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# refused WHAT COMMAND...: the program must end with status 2, say one line that holds WHAT, and write no output.
refused() {
  local what=$1 status
  shift
  rm -rf "$work/out.h5" "$work/out.h5.part"
  timeout 60 "$SUBSPAN" "$@" >"$work/stdout" 2>"$work/stderr"
  status=$?
  [ $status = 2 ] || fail "status $status, not 2: subspan $*: $(head -3 "$work/stderr")"
  [ "$(wc -l <"$work/stderr")" = 1 ] || fail "not one line: subspan $*: $(head -5 "$work/stderr")"
  grep -qF -- "$what" "$work/stderr" || fail "the message does not name '$what': $(cat "$work/stderr")"
  [ ! -e "$work/out.h5" ] && [ ! -e "$work/out.h5.part" ] || fail "an output was left: subspan $*"
  count=$((${count:-0} + 1))
}

# same ARRAY A B: the arrays of two HDF5 files hold the same bits.
same() {
  "$python" - "$@" <<'P'
import h5py, sys
a, b = (h5py.File(name)[sys.argv[1]][()] for name in sys.argv[2:])
sys.exit(a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes())
P
}

finish() {
  echo "${count:-0} checks, $failures failed"
  [ $failures = 0 ]
}
# Waits for a launcher whose rank was killed. Open MPI's can deadlock when a rank dies while it starts: after a minute it
# is killed with what it left.
ended() {
  for _ in $(seq 600); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -0 "$1" 2>/dev/null && pkill -9 -P "$1"
  kill -9 "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}
