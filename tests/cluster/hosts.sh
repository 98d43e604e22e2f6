# The parallel tests over two and over four hosts joined by TCP; what a job sends there, counted, is what the scaling model says.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
skip() { echo "skipped: $*"; exit 77; }
hosts=$SUBSPAN_SOURCE/tests/cluster/hosts
missing=$("$hosts" allowed) || skip "$missing"
programs=$(dirname "$SUBSPAN")/tests
export MPI_COUNT_LIBRARY=$programs/libmpi_count.so
trap '"$hosts" down "$work/hosts" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
cd "$work"

# Two ranks on each of two hosts, some of the tests; a rank on each of four, all.
for n in 2 4; do
  exports=$("$hosts" up "$work/hosts" $n) || skip "no bridge: $exports"
  eval "$exports"
  [ "$(mpirun -n 4 hostname | sort -u | wc -l)" = $n ] || { fail "mpirun is not over $n hosts"; break; }
  [ $n = 2 ] && names=(checkpoint operator prior sense volume) || names=($(ls "$programs" | sed -n 's/^test-parallel-//p'))
  for name in "${names[@]}"; do
    mpirun -n 4 "$programs/test-parallel-$name" >log 2>&1 || fail "$name on $n hosts: $(grep -v '^\[ *\(OK\|RUN\|PASSED\)\|^$' log | head -5)"
    count=$((${count:-0} + 1))
  done
  if "$python" -c 'import h5py' 2>/dev/null && ! ldd "$SUBSPAN" | grep -q libasan; then
    "$python" "$SUBSPAN_SOURCE/tests/benchmarks/scaling_model.py" --hosts $n --ranks 2 4 --jobs "mri team" prior || fail "the counts on $n hosts"
  fi
  "$hosts" down "$work/hosts"
  rm -rf "$work/hosts"
done
finish
