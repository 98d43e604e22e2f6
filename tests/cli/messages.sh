# What a reconstruction and a training send, counted call by call, is what the scaling model says.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
export MPI_COUNT_LIBRARY="$(dirname "$SUBSPAN")/tests/libmpi_count.so"
[ -e "$MPI_COUNT_LIBRARY" ] || { echo "skipped: no $MPI_COUNT_LIBRARY"; exit 77; }
if ldd "$SUBSPAN" | grep -q libasan; then echo "skipped: the sanitizers must be loaded first"; exit 77; fi
"$python" "$SUBSPAN_SOURCE/tests/benchmarks/scaling_model.py" --ranks 2 4 --jobs "mri team" prior || fail "the counts"
count=4
finish
