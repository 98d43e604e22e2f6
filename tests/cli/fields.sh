# Sets of fields of each equation: as asked for, the same bits on any number of ranks, drawn and described; wrong options
# and files are refused.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"

# alike NAME OPTIONS...: `simulate OPTIONS` on one rank and on those of `ranks`.
alike() {
  local name=$1
  shift
  "$SUBSPAN" simulate "$@" --json $name.json -o $name.h5 >$name.txt || fail "simulate $*"
  for n in ${ranks:-2}; do
    mpirun -n $n "$SUBSPAN" simulate "$@" -o other.h5 >/dev/null || fail "simulate $* on $n ranks"
    for array in input output checksum; do same $array $name.h5 other.h5 || fail "$name: $array depends on the number of ranks"; done
  done
  [ ! -e $name.h5.part ] || fail "$name.h5.part was left"
  "$SUBSPAN" info $name.h5 >info.txt && grep -q 'set of fields' info.txt || fail "info $name.h5"
  "$SUBSPAN" view $name.h5 -o $name.png && [ -s $name.png ] || fail "view $name.h5"
  count=$((${count:-0} + 1))
}
ranks="2 3" alike darcy darcy --resolution 33 --samples 7 --seed 1
alike lognormal darcy --resolution 22 --samples 3 --coefficient lognormal --mean arithmetic --first_sample 4
alike cube darcy --resolution 12 --dimensions 3 --samples 4
alike burgers burgers --resolution 256 --samples 5 --seed 2
alike waves burgers --resolution 128 --samples 4 --viscosity 0.02 --times 5 --time 0.5
alike forced navier-stokes --resolution 16 --grid 48 --samples 4 --time 1 --seed 3
alike vortices navier-stokes --resolution 16 --grid 32 --samples 3 --viscosity 1e-3 --time 6 --input_times 2
alike once navier-stokes --resolution 16 --grid 32 --samples 2 --viscosity 1e-2 --time 1
alike helmholtz helmholtz --resolution 21 --grid 41 --omega 200 --samples 4 --seed 5

"$python" - <<'P' || fail "what the sets hold"
import h5py, json, numpy as np
def get(name, a="input", b="output"):
    f = h5py.File(name + ".h5")
    return f[a][()], f[b][()], f
a, u, f = get("darcy")
assert a.shape == u.shape == (7, 1, 33, 33) and set(np.unique(a)) == {3, 12} and f.attrs["points"] == b"closed"
assert (u[:, :, 1:-1, 1:-1] > 0).all() and not u[:, :, 0].any() and not u[..., -1].any()
assert f["parameters"].attrs["high"] == 12 and f.attrs["seed"] == 1
# The equation holds: harmonic means, five points.
h, p = 1 / 32, lambda x, y: 2 * x * y / (x + y)
A, U = a[2, 0].astype(float), u[2, 0].astype(float)
r = sum(p(A, np.roll(A, s, d)) * (U - np.roll(U, s, d)) for s in (1, -1) for d in (0, 1)) / h**2
assert abs(r[1:-1, 1:-1] - 1).max() < 2e-3, abs(r[1:-1, 1:-1] - 1).max() # u in float32
l, _, _ = get("lognormal")
assert (l > 0).all() and len(np.unique(l)) > 1000
assert get("cube")[0].shape == (4, 1, 12, 12, 12)
a, u, f = get("burgers")
assert a.shape == u.shape == (5, 1, 256) and abs(a.mean(axis=2)).max() < 1e-6 and abs(u).max() < abs(a).max() and f.attrs["boundary"] == b"periodic"
a, u, f = get("waves")
assert u.shape == (4, 1, 5, 128) and np.array_equal(u[:, :, 0], a) and tuple(f.attrs["output_times"]) == (0, 0.5)
a, u, f = get("forced")
assert a.shape == u.shape == (4, 1, 16, 16) and f["parameters"].attrs["viscosity"] == 1 / 500 and abs(f.attrs["length"][0] - 2 * np.pi) < 1e-12
a, u, f = get("vortices")
assert a.shape == (3, 1, 2, 16, 16) and u.shape == (3, 1, 4, 16, 16) and tuple(f.attrs["input_times"]) == (1, 2) and tuple(f.attrs["output_times"]) == (3, 6)
assert get("once")[1].shape == (2, 1, 16, 16)
c, u, f = get("helmholtz")
assert c.shape == u.shape == (4, 1, 21, 21) and (abs(c - 20) < 1).all() and f["parameters"].attrs["omega"] == 200
assert all((u[i] != u[0]).any() for i in range(1, 4))
j = json.load(open("darcy.json"))
assert j["samples"] == j["made"] == 7 and 3 < j["iterations"] < 20 and j["peak_memory"] > 0
P
# Samples are numbered: the second half of a set is a set that starts there.
"$SUBSPAN" simulate darcy --resolution 33 --samples 3 --first_sample 4 --seed 1 -o half.h5 >/dev/null || fail "first_sample"
"$python" -c '
import h5py, numpy as np
a, b = h5py.File("darcy.h5"), h5py.File("half.h5")
assert all(np.array_equal(a[k][4:], b[k][()]) for k in ("input", "output"))' || fail "samples 4 to 7"
# A team shares a sample.
mpirun -n 2 "$SUBSPAN" simulate darcy --resolution 33 --samples 2 --seed 1 --team 2 -o team.h5 >/dev/null || fail "team"
"$python" -c '
import h5py
a, b = h5py.File("darcy.h5")["output"][:2], h5py.File("team.h5")["output"][()]
assert abs(a - b).max() < 1e-6 * abs(a).max()' || fail "a team finds another solution"
# PETSc's options reach the solver.
"$SUBSPAN" simulate darcy --resolution 33 --samples 2 --seed 1 --darcy_pc_type gamg -o gamg.h5 >/dev/null || fail "gamg"
"$SUBSPAN" simulate navier-stokes --plan --resolution 256 --samples 10000 -o plan.h5 >plan.txt || fail "plan"
grep -q 'disk: 5000.0 MiB' plan.txt && [ ! -e plan.h5 ] && [ ! -e plan.h5.part ] || fail "the plan: $(cat plan.txt)"
"$SUBSPAN" view vortices.h5 --sample 2 -o one.png || fail "view of one sample"

out=(-o out.h5)
refused "it can simulate mri, ct, darcy, burgers, navier-stokes and helmholtz" simulate stokes "${out[@]}"
refused "give -o FIELDS.h5" simulate darcy
refused "takes no input" simulate darcy image.h5 "${out[@]}"
refused "must be above 1., half the dimensions" simulate darcy --alpha 1 "${out[@]}"
refused "--alpha 0.9: must be above 1" simulate navier-stokes --alpha 0.9 "${out[@]}"
refused "did not converge" simulate darcy --samples 2 --darcy_ksp_max_it 1 "${out[@]}"
refused "--grid 100: must be a multiple of --resolution 64" simulate navier-stokes --resolution 64 --grid 100 "${out[@]}"
refused "--grid 200: its intervals must be a multiple of the 100" simulate helmholtz --grid 200 "${out[@]}"
refused "--viscosity 0.001: two settings" simulate navier-stokes --reynolds 500 --viscosity 1e-3 "${out[@]}"
refused "--input_times 3: is for --viscosity" simulate navier-stokes --input_times 3 "${out[@]}"
refused "--input_times 6: must be less than --times 6" simulate navier-stokes --viscosity 1e-3 --time 6 --input_times 6 "${out[@]}"
refused "free" simulate navier-stokes --resolution 8192 --samples 10000000 "${out[@]}"
refused "cannot be written" simulate darcy -o /nowhere/out.h5
refused "sample 9 is asked for, it has 7" view darcy.h5 --sample 9 -o out.h5
finish
