# The same slices are the same bits on 1, 2 and 4 ranks; coils split over a team agree to 1e-5; a plain reader sees it.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ellipses 5
for n in 1 3; do
  mpirun -n $n "$SUBSPAN" simulate mri image.h5 --coils 6 --noise 0.01 --seed 3 -o scan$n.h5 >/dev/null || fail "simulate on $n ranks"
done
same kspace scan1.h5 scan3.h5 || fail "the scan depends on the number of ranks"
"$SUBSPAN" train prior image.h5 --model_channels 32 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings 1 --batch 4 \
  --steps 8 --learning_rate 2e-3 --validate_every 0 --pictures none -o prior.h5 >/dev/null || fail "a prior"
for method in zero_filled cg wavelet tv dds diffpir pnp annealed dps; do
  case $method in
    zero_filled | cg | wavelet | tv) extra=() ranks="1 2 4" ;;
    dds) extra=(--prior prior.h5 --dds_steps 6) ranks="1 2 4" ;;
    *) extra=(--prior prior.h5 --dds_steps 4) ranks="1 2" ;;
  esac
  for n in $ranks; do
    mpirun -n $n "$SUBSPAN" recon scan1.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --method $method "${extra[@]}" --team 1 -o $method-$n.h5 --json $method-$n.json >/dev/null || fail "$method on $n ranks"
  done
  mpirun -n 2 "$SUBSPAN" recon scan1.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --method $method "${extra[@]}" --team 2 -o $method-team.h5 >/dev/null || fail "$method in a team"
  OMP_NUM_THREADS=3 "$SUBSPAN" recon scan1.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --method $method "${extra[@]}" -o $method-threads.h5 >/dev/null || fail "$method on 3 threads"
  "$python" - $method $ranks <<'P' || fail "$method: results differ"
import h5py, json, numpy as np, sys
m, *ranks = sys.argv[1:]
read = lambda n, a="reconstruction": h5py.File(f"{m}-{n}.h5")[a][()]
for array in ("reconstruction", "phase", "reference"):
    for n in (*ranks[1:], "threads"):
        assert np.array_equal(read("1", array), read(n, array)), (array, n)
error = np.linalg.norm(read("team") - read("1")) / np.linalg.norm(read("1"))
assert error < 1e-5, error
a, b = (json.load(open(f"{m}-{n}.json")) for n in (1, ranks[-1]))
assert a["psnr"] == b["psnr"] and [s["ssim"] for s in a["slices"]] == [s["ssim"] for s in b["slices"]]
assert {"psnr", "ssim", "nrmse", "seconds", "iterations"} <= a.keys()
evaluations = {"dds": 6, "diffpir": 4, "pnp": 4, "annealed": 7, "dps": 4}
assert all(s.get("evaluations") == evaluations.get(m) for s in a["slices"]), a["slices"][0]
file = h5py.File(f"{m}-1.h5")
assert file["reconstruction"] == file["VTKHDF/PointData/reconstruction"]
P
  count=$((${count:-0} + 1))
done
"$SUBSPAN" view cg-1.h5 -o cg.png && [ -s cg.png ] || fail "view"
"$SUBSPAN" compare cg-1.h5 cg-1.h5 --reference_array reference --json c.json >/dev/null || fail "compare"
"$python" -c 'import json; a, b = json.load(open("c.json")), json.load(open("cg-1.json")); assert abs(a["psnr"] - b["psnr"]) < 1e-9 and abs(a["ssim"] - b["ssim"]) < 1e-9' || fail "compare and recon disagree"
"$SUBSPAN" recon scan1.h5 --plan | grep -q 'memory a rank' || fail "plan"
"$SUBSPAN" recon scan1.h5 -o pipe.h5 --log_view | true || fail "a reader that left ended the run"
[ -s pipe.h5 ] || fail "a reader that left ended the run before its output"
"$SUBSPAN" info scan1.h5 | grep -q '5 slices, 6 coils' || fail "info"
for command in recon "simulate mri" compare view info; do
  "$SUBSPAN" $command --help | grep -q '^examples:' || fail "$command --help"
done
finish
