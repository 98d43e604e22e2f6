# Learned operators in the solver of simulated equations: a guess and a preconditioner leave the fields as they are, on any
# number of ranks, and are refused with one line where they do not fit.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
small=(--modes 6 --hidden_channels 8 --n_layers 2 --batch 4 --steps 6 --pictures none)
darcy=(simulate darcy --resolution 33 --samples 5)
"$SUBSPAN" "${darcy[@]}" -o fields.h5 --json fields.json >/dev/null || fail simulate
"$SUBSPAN" "${darcy[@]}" --forcing random -o forced.h5 >/dev/null || fail "--forcing random"
mpirun -n 2 "$SUBSPAN" "${darcy[@]}" --forcing random -o forced2.h5 >/dev/null || fail "--forcing random on 2 ranks"
for array in input output; do same $array forced.h5 forced2.h5 || fail "a random $array depends on the number of ranks"; done
"$SUBSPAN" simulate helmholtz --resolution 21 --grid 41 --omega 200 --samples 4 --forcing random -o waves.h5 >/dev/null || fail waves
"$SUBSPAN" train operator fields.h5 "${small[@]}" -o guess.h5 >/dev/null || fail "train a guess"
"$SUBSPAN" train operator forced.h5 "${small[@]}" -o pc.h5 >/dev/null || fail "train a preconditioner"
pc=(--darcy_ksp_type fcg --darcy_pc_mg_levels 2 --darcy_mg_coarse_pc_type composite --darcy_mg_coarse_pc_composite_type multiplicative
  --darcy_mg_coarse_pc_composite_pcs sor,neural,sor --darcy_mg_coarse_sub_1_pc_neural_model pc.h5)
for n in 1 2; do
  mpirun -n $n "$SUBSPAN" "${darcy[@]}" --ksp_guess guess.h5 --ksp_guess_stride 2 -o guessed$n.h5 --json guessed.json >/dev/null || fail "--ksp_guess, $n ranks"
  mpirun -n $n "$SUBSPAN" "${darcy[@]}" "${pc[@]}" -o preconditioned$n.h5 >/dev/null || fail "-pc_type neural, $n ranks"
done
mpirun -n 2 "$SUBSPAN" "${darcy[@]}" "${pc[@]}" --team 2 -o team.h5 >/dev/null || fail "-pc_type neural in a team"
same output guessed1.h5 guessed2.h5 || fail "guessed fields depend on the number of ranks"
same output preconditioned1.h5 preconditioned2.h5 || fail "preconditioned fields depend on the number of ranks"
"$python" - <<'P' || fail "the fields"
import h5py, json, numpy as np
u, forced, waves = h5py.File("fields.h5"), h5py.File("forced.h5"), h5py.File("waves.h5")
for name in ("guessed1", "preconditioned1", "team"):
    v = h5py.File(name + ".h5")["output"][()]
    assert np.linalg.norm(v - u["output"][()]) < 1e-6 * np.linalg.norm(v), name
assert json.load(open("guessed.json"))["guesses_dropped"] >= 0 and "guesses_dropped" not in json.load(open("fields.json"))
a, f = forced["input"][:, 0], forced["input"][:, 1].astype(float)
assert np.array_equal(a, u["input"][:, 0]) and forced.attrs["equation"] == b"-div(a grad u) = f"
assert np.allclose((f**2).mean((1, 2)), 1, rtol=1e-5) and not f[:, 0].any() and not np.allclose(f[0], f[1])
# The equation holds: harmonic means, five points.
h, mean, A, U = 1 / 32, lambda x, y: 2 * x * y / (x + y), a[2].astype(float), forced["output"][2, 0].astype(float)
r = sum(mean(A, np.roll(A, s, d)) * (U - np.roll(U, s, d)) for s in (1, -1) for d in (0, 1)) / h**2
assert abs(r - f[2])[1:-1, 1:-1].max() < 1e-3
assert waves["input"].shape == (4, 2, 21, 21) and waves.attrs["boundary"] == b"du/dn = 0"
P
count=12
refused "1 channels to 1 on 2 axes, this needs one from 2" "${darcy[@]}" "${pc[@]}" --darcy_mg_coarse_sub_1_pc_neural_model guess.h5 -o out.h5
refused "flexible" "${darcy[@]}" "${pc[@]}" --darcy_ksp_type cg -o out.h5
refused "which network" "${darcy[@]}" --darcy_ksp_type fcg --darcy_pc_type neural -o out.h5
refused "--darcy_mg_coarse_pc_neuron" "${darcy[@]}" --darcy_mg_coarse_pc_neuron pc.h5 -o out.h5
refused "--ksp_guess_stride 5" "${darcy[@]}" --ksp_guess guess.h5 --ksp_guess_stride 5 -o out.h5
refused "not a model" "${darcy[@]}" --ksp_guess fields.h5 -o out.h5
finish
