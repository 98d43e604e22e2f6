# Several samples of a slice: the same bits on 1, 2 and 4 ranks, mean, deviation and figures as numpy has them, and a
# sample does not depend on how many others are drawn.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ellipses 5
scan_and_prior
options=(scan.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --method dds --prior prior.h5 --dds_steps 4 --seed 5)
# drawn OUT RANKS OPTION...
drawn() {
  local out=$1 ranks=$2
  shift 2
  mpirun -n $ranks "$SUBSPAN" recon "${options[@]}" "$@" -o $out.h5 --json $out.json >$out.txt || fail "$out"
}
for n in 1 2 4; do drawn three$n $n --samples 3 --team 1; done
drawn team 4 --samples 3 --team 2
drawn one 1
drawn five 4 --samples 5 --team 1 --slices 2:3   # a slice that all ranks share
drawn two 4 --samples 2 --team 1 --slices 2:3    # more ranks than samples
drawn sets 2 --samples 2 --map_sets 2 --slices 1:3
drawn given 2 --samples 3 --reference one.h5
for n in 2 4; do
  for array in reconstruction phase deviation sample_1 sample_2 sample_3 reference; do
    same $array three1.h5 three$n.h5 || fail "$array depends on the number of ranks ($n)"
    count=$((${count:-0} + 1))
  done
done
"$python" - <<'P' || fail "what was drawn"
import h5py, json, numpy as np
read = lambda n, a: h5py.File(n + ".h5")[a][()].astype(float)
report = lambda n: json.load(open(n + ".json"))
samples = lambda n, k: np.stack([read(n, f"sample_{i + 1}") for i in range(k)])
near = lambda a, b, how=1e-9: np.abs(np.asarray(a) - b).max() <= how * np.abs(b).max()

assert np.array_equal(read("one", "reconstruction"), read("three1", "sample_1"))
names = set(h5py.File("one.h5"))
assert names == {"VTKHDF", "provenance", "reconstruction", "phase", "reference"}, names
assert "samples" not in report("one") and "deviation" not in report("one")
for k in range(1, 4):
    assert np.array_equal(read("five", f"sample_{k}")[0], read("three1", f"sample_{k}")[2]), k
    assert k > 2 or np.array_equal(read("two", f"sample_{k}")[0], read("three1", f"sample_{k}")[2]), k

s, mean, deviation, reference = samples("three1", 3), *(read("three1", a) for a in ("reconstruction", "deviation", "reference"))
assert (deviation >= 0).all() and deviation.max() > 0
assert len({x.tobytes() for x in s}) == 3
assert near(deviation, s.std(axis=0, ddof=1), 1e-5) # as float32 has it
assert (mean <= s.mean(axis=0) * (1 + 1e-6)).all() and not near(mean, s.mean(axis=0), 1e-3) # complex samples cancel
assert near(read("five", "deviation"), samples("five", 5).std(axis=0, ddof=1), 1e-5)
assert near(read("sets", "reconstruction"), samples("sets", 2).mean(axis=0), 1e-6)
assert near(read("sets", "deviation"), samples("sets", 2).std(axis=0, ddof=1), 1e-5)
for a in ("reconstruction", "deviation", "sample_3"):
    assert near(read("team", a), read("three1", a), 1e-4), a

def figures(name, reference):
    """The report's figures once more."""
    r, s, mean, deviation = report(name), samples(name, 3), read(name, "reconstruction"), read(name, "deviation")
    error = lambda x: ((x - reference) ** 2).mean()
    psnr = lambda x: 10 * np.log10(reference.max() ** 2 / error(x))
    nrmse = lambda x: np.sqrt(error(x) / (reference ** 2).mean())
    assert near(r["psnr"], psnr(mean)) and near(r["nrmse"], nrmse(mean))
    assert r["samples"]["count"] == 3
    assert near(r["samples"]["psnr"], np.mean([psnr(x) for x in s]))
    assert near(r["samples"]["nrmse"], np.mean([nrmse(x) for x in s]))
    inside = reference > 0.05 * reference.max()
    e, d = np.abs(mean - reference)[inside], deviation[inside]
    assert 0.2 < inside.mean() < 0.9
    assert near(r["deviation"]["correlation"], np.corrcoef(e, d)[0, 1], 1e-6)
    assert near(r["deviation"]["correlation_all"], np.corrcoef(np.abs(mean - reference).ravel(), deviation.ravel())[0, 1], 1e-6)
    interval = 2.919986 * np.sqrt(1 + 1 / 3) * d # Student's t of 2 degrees of freedom, 0.95
    assert abs(r["deviation"]["coverage_90"] - (e <= interval).mean()) < 2 / e.size

figures("three1", reference)
given = report("given")
assert given["samples"]["psnr"] is None # the first sample is the reference
assert near(read("given", "reference"), read("one", "reconstruction"))
one, four = report("three1"), report("three4")
for key in ("psnr", "ssim", "nrmse", "samples", "deviation", "iterations"):
    assert one[key] == four[key], key
assert one["iterations"] == 5 * 3 * 4 and [x["ssim"] for x in one["slices"]] == [x["ssim"] for x in four["slices"]]
P
# SSIM of the single samples, by the command that compares.
for k in 1 2 3; do
  "$SUBSPAN" compare three1.h5 three1.h5 --array sample_$k --reference_array reference --json ssim$k.json >/dev/null || fail "compare sample_$k"
done
"$python" -c 'import json; read = lambda n: json.load(open(n)); s = [read(f"ssim{k}.json")["ssim"] for k in (1, 2, 3)]; assert abs(sum(s) / 3 - read("three1.json")["samples"]["ssim"]) < 1e-12' || fail "the SSIM of the samples"
grep -q 'samples  *3 of each slice, on average PSNR' three1.txt && grep -q '90 % interval covers' three1.txt || fail "the report has no samples"
grep -q 'iterations a slice' one.txt && ! grep -q 'samples' one.txt || fail "the report of one sample"
"$SUBSPAN" recon "${options[@]}" --samples 3 --plan | grep -q 'mean of the samples' || fail "the plan has no samples"
count=$((count + 30))
refused "--method cg: takes no --samples" recon scan.h5 --method cg --samples 2 -o out.h5
refused "--samples 0" recon "${options[@]}" --samples 0 -o out.h5
finish
