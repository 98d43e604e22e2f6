# MPI-IO's hints and alignment: the same result, arrays where they were asked to begin, and what is refused.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ellipses 4
"$SUBSPAN" simulate mri image.h5 --coils 4 --noise 0.01 --seed 3 -o scan.h5 >/dev/null || fail simulate
"$SUBSPAN" recon scan.h5 --method zero_filled -o plain.h5 >/dev/null || fail "without hints"
for n in 1 2; do
  mpirun -n $n "$SUBSPAN" recon scan.h5 --method zero_filled --io_hints striping_factor=8,cb_nodes=1 --io_alignment 4096 -o hints.h5 >/dev/null ||
    fail "hints on $n ranks"
  same reconstruction plain.h5 hints.h5 || fail "hints change the result on $n ranks"
  "$python" -c 'import h5py; assert h5py.File("hints.h5")["reconstruction"].id.get_offset() % 4096 == 0' || fail "not aligned on $n ranks"
  count=$((${count:-0} + 2))
done
refused "--io_hints: \`striping\`" recon scan.h5 --method zero_filled --io_hints striping -o out.h5
refused "--io_alignment -3" recon scan.h5 --method zero_filled --io_alignment -3 -o out.h5
finish
