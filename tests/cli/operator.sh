# Learned operators from simulation to prediction: the same curve on 1 and 2 ranks and in teams, several resolutions, steps
# of time, whatever number of ranks predicts, and what is refused with one line.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$SUBSPAN" simulate darcy --resolution 33 --samples 20 --seed 1 -o darcy.h5 >/dev/null || fail "simulate darcy"
"$SUBSPAN" simulate navier-stokes --resolution 16 --grid 32 --samples 6 --viscosity 1e-3 --time 6 --times 6 --input_times 3 \
  -o flow.h5 >/dev/null || fail "simulate navier-stokes"
"$SUBSPAN" simulate navier-stokes --resolution 16 --grid 32 --samples 12 --time 0.5 -o ns.h5 >/dev/null || fail "simulate with a forcing"
"$SUBSPAN" simulate burgers --resolution 64 --samples 8 --times 4 -o burgers.h5 >/dev/null || fail "simulate burgers"
small=(--modes 6 --hidden_channels 8 --n_layers 2 --batch 4 --record_every 1 --pictures none)
options=(darcy.h5 --options_file "$SUBSPAN_SOURCE/config/tfno-darcy.yaml" "${small[@]}" --epochs 0 --steps 8 --stride 2
  --validation_strides 2,1 --validate_every 4)
"$SUBSPAN" train operator "${options[@]}" -o one.h5 --json one.json >closing || fail "1 rank"
mpirun -n 2 "$SUBSPAN" train operator "${options[@]}" -o two.h5 >/dev/null || fail "2 ranks"
patches=(--options_file "$SUBSPAN_SOURCE/config/mg-tfno-navier-stokes.yaml" "${small[@]}" --epochs 0 --steps 4 --padding 0.125)
"$SUBSPAN" train operator ns.h5 "${patches[@]}" -o patches.h5 >/dev/null || fail "patches"
mpirun -n 4 "$SUBSPAN" train operator ns.h5 "${patches[@]}" --team 2 -o team.h5 >/dev/null || fail "patches in teams"
"$SUBSPAN" train operator darcy.h5 "${small[@]}" --steps 2 --optimizer adam --loss l2 --differences one_sided --form cp \
  --modes_epochs 2 --held_share 0 --stabilise true -o other.h5 >/dev/null || fail "other options"
# Modes that come into use with the epochs: step 1 has 2 x 2 of 8 x 8, the next ones up to 3 x 3 (rows 2 to 4, columns 0 and 1).
growing=(darcy.h5 --modes 8 --hidden_channels 8 --n_layers 2 --form dense --batch 4 --record_every 1 --pictures none --ema 0
  --weight_decay 0)
for steps in 1 3; do
  "$SUBSPAN" train operator "${growing[@]}" --modes_epochs 1000 --steps $steps -o growing$steps.h5 >/dev/null || fail "--modes_epochs"
done
"$SUBSPAN" train operator "${growing[@]}" --steps 3 -o grown.h5 >/dev/null || fail "all modes"
"$SUBSPAN" train operator "${growing[@]}" --modes_epochs 0.5 --steps 3 -o quick.h5 >/dev/null || fail "modes in half an epoch"
for type in float32 bfloat16; do
  "$SUBSPAN" train operator darcy.h5 "${small[@]}" --epochs 4 --stabilise true --type $type -o $type.h5 >/dev/null || fail "--type $type"
done
"$SUBSPAN" train operator darcy.h5 "${small[@]}" --steps 2 --initial one.h5 -o initial.h5 >/dev/null || fail "--initial"
"$SUBSPAN" train operator darcy.h5 "${options[@]}" --plan >plan 2>&1 && fail "two sets were taken"
"$SUBSPAN" train operator "${options[@]}" --plan >plan || fail "--plan"
"$SUBSPAN" train operator darcy.h5 --modes 6 --hidden_channels 8 --steps 2 -o out.h5 >/dev/null || fail pictures
for what in curve fields; do [ -s out-$what.png ] || fail "no out-$what.png"; done
"$SUBSPAN" info one.h5 >model || fail "info of a model"
"$python" - <<'P' || fail "curves, report, plan, info"
import h5py, json, re
import numpy as np
one, two, patches, team = (h5py.File(n + ".h5") for n in ("one", "two", "patches", "team"))
curve = lambda f: f["history/curve"][:, 2]
for a, b, steps in ((one, two, 8), (patches, team, 4)):
    assert curve(a).shape == (steps,) and np.allclose(curve(a), curve(b), rtol=1e-4), (curve(a), curve(b))
    assert np.allclose(a["history/validation"], b["history/validation"], rtol=1e-4)
assert curve(one)[-1] < curve(one)[0]
v = one["history/validation"]
assert v.attrs["columns"] == b"step,resolution,l2,h1" and list(v[:, 0]) == [4, 4, 8, 8] and list(v[:2, 1]) == [17, 33]
first, third, grown, quick = (h5py.File(n + ".h5")["parameters/fno_blocks.convs.0.weight.tensor"][()]
                              for n in ("growing1", "growing3", "grown", "quick"))
active = np.zeros(first.shape[:2], bool)
active[2:5, :2] = True
changed = lambda other, where: np.mean(first[where] != other[where])
assert changed(third, ~active) == 0 and changed(third, active) > 0.9
assert changed(grown, ~active) > 0.9 and changed(quick, ~active) > 0.9
single, half = (h5py.File(n + ".h5") for n in ("float32", "bfloat16"))
assert not np.array_equal(curve(single), curve(half)) and np.allclose(curve(single), curve(half), rtol=2e-2)
assert curve(half)[-1] < curve(half)[0]
# The moments are those of the 18 samples that are trained on.
data, c = h5py.File("darcy.h5"), one["configuration"].attrs
for name in ("input", "output"):
    x = data[name][:18, 0, ::2, ::2].astype("f8")
    assert np.allclose(c[name + "_mean"], x.mean(), rtol=1e-5) and np.allclose(c[name + "_deviation"], x.std(), rtol=1e-5)
report = json.load(open("one.json"))
assert [t["resolution"] for t in report["validation"]] == [17, 33] and np.isclose(report["validation"][1]["h1"], v[3, 3])
assert report["parameters"] == sum(p.size for p in one["parameters"].values())
assert "18 fields of 17 x 17" in open("plan").read()
text = open("model").read()
for words in ("from fields to fields", "2 layers of 8 channels", "6 x 6 modes", "tucker", "8 steps"):
    assert words in text, words
P
count=11

# Predictions: the errors of the last validation, the same bits on any number of ranks and in teams.
"$SUBSPAN" predict one.h5 darcy.h5 --first_sample 18 --samples 2 -o held.h5 --json held.json >/dev/null || fail predict
"$SUBSPAN" predict patches.h5 ns.h5 -o patched1.h5 >/dev/null || fail "predict by patches"
mpirun -n 4 "$SUBSPAN" predict patches.h5 ns.h5 --team 2 -o patched4.h5 >/dev/null || fail "predict in teams"
same prediction patched1.h5 patched4.h5 || fail "4 ranks predict something else"
"$SUBSPAN" view held.h5 -o held.png && [ -s held.png ] || fail view
"$SUBSPAN" predict one.h5 darcy.h5 --plan >plan || fail "predict --plan"
"$SUBSPAN" train operator flow.h5 "${small[@]}" --steps 4 --history 2 -o step.h5 >/dev/null || fail "steps of time"
"$SUBSPAN" predict step.h5 flow.h5 --rollout 6 -o rollout.h5 --json rollout.json >/dev/null || fail "--rollout"
mpirun -n 2 "$SUBSPAN" predict step.h5 flow.h5 --rollout 6 -o rollout2.h5 >/dev/null || fail "--rollout on 2 ranks"
same prediction rollout.h5 rollout2.h5 || fail "2 ranks roll out something else"
"$SUBSPAN" predict step.h5 flow.h5 -o steps.h5 >/dev/null || fail "single steps"
"$SUBSPAN" train operator burgers.h5 "${small[@]}" --modes 2,6 --steps 2 -o axis.h5 >/dev/null || fail "time as an axis"
"$SUBSPAN" predict axis.h5 burgers.h5 -o axis-out.h5 >/dev/null || fail "predict with time as an axis"
"$python" - <<'P' || fail "what is predicted"
import h5py, json
import numpy as np
held, told, data = h5py.File("held.h5"), json.load(open("held.json")), h5py.File("darcy.h5")
truth, guess = held["truth"][()], held["prediction"][()]
assert np.array_equal(truth, data["output"][18:, 0]) and guess.shape == (2, 33, 33)
assert held["VTKHDF"].attrs["Type"] == b"ImageData"
l2 = np.sqrt(((guess - truth) ** 2).sum((1, 2)) / (truth**2).sum((1, 2)))
assert np.allclose([s["l2"] for s in told["samples"]], l2, rtol=1e-5) and np.isclose(told["l2"], l2.mean(), rtol=1e-5)
assert np.isclose(told["l2"], h5py.File("one.h5")["history/validation"][3, 2], rtol=1e-5)
rollout, steps, told = h5py.File("rollout.h5"), h5py.File("steps.h5"), json.load(open("rollout.json"))
# 3 + 3 times are 4 windows of 2 and a next one; the first step of a roll-out is the first single step.
assert rollout["prediction"].shape == (36, 16, 16) and "truth" not in rollout and steps["prediction"].shape == (24, 16, 16)
assert np.allclose(rollout["prediction"][::6], steps["prediction"][::4], rtol=1e-5, atol=1e-6)
assert not np.allclose(rollout["prediction"][1::6], steps["prediction"][1::4])
assert [s["step"] for s in told["steps"]] == [1, 2, 3, 4]
assert h5py.File("axis-out.h5")["prediction"].shape == (8, 4, 64)
P
count=$((count + 10))

# Inputs alone: the same predictions without their errors. Steps go on from the two times that are given.
"$python" - <<'P' || fail "sets of inputs alone"
import h5py
for name, cut in (("darcy", slice(None)), ("flow", slice(1, 3))):
    with h5py.File(name + ".h5") as whole, h5py.File(name + "-inputs.h5", "w") as inputs:
        x = whole["input"][()]
        inputs["input"] = x[:, :, cut] if name == "flow" else x
        for key, value in whole.attrs.items():
            if key != "output_times": inputs.attrs[key] = value
P
"$SUBSPAN" predict one.h5 darcy-inputs.h5 --plan >plan || fail "plan of inputs alone"
grep -q truth plan && fail "a truth is planned for inputs alone"
"$SUBSPAN" predict one.h5 darcy-inputs.h5 --first_sample 18 -o blind.h5 --json blind.json >closing || fail "inputs alone"
grep -q "no errors: the set has inputs alone" closing || fail "nothing said of errors"
same prediction held.h5 blind.h5 || fail "inputs alone are predicted otherwise"
"$SUBSPAN" predict step.h5 flow-inputs.h5 --rollout 5 -o blind-rollout.h5 --json blind-rollout.json >/dev/null || fail "roll-out from inputs alone"
"$python" - <<'P' || fail "predictions of inputs alone"
import h5py, json
import numpy as np
for name in ("blind", "blind-rollout"):
    report = json.load(open(name + ".json"))
    assert not {"l2", "h1", "samples", "steps"} & set(report), report
    assert "truth" not in h5py.File(name + ".h5") and "truth" not in h5py.File(name + ".h5")["VTKHDF/PointData"]
whole, blind = (h5py.File(n)["prediction"][()].reshape(6, -1, 16, 16) for n in ("rollout.h5", "blind-rollout.h5"))
steps = h5py.File("steps.h5")["prediction"][()].reshape(6, -1, 16, 16)
assert blind.shape[1] == 5 and np.allclose(blind[:, 0], steps[:, 1], rtol=1e-5, atol=1e-6)
P
refused "no \`output\`, which training needs" train operator darcy-inputs.h5 --steps 1 -o out.h5
count=$((count + 4))

"$SUBSPAN" simulate burgers --resolution 64 --samples 1 -o few.h5 >/dev/null
refused "give -o" train operator darcy.h5 --steps 1
refused "must be one set of fields" train operator --steps 1 -o out.h5
refused "not a set of fields" train operator one.h5 --steps 1 -o out.h5
refused "no set of fields \`train16\`" train operator darcy.h5 --group train16 --steps 1 -o out.h5
refused "the fields of darcy.h5 have 2 axes" train operator darcy.h5 --modes 4,4,4 --steps 1 -o out.h5
refused "--modes none" train operator darcy.h5 --modes none --steps 1 -o out.h5
refused "--team 2: ranks share the patches" train operator darcy.h5 --team 2 --steps 1 -o out.h5
refused "stride" train operator darcy.h5 --stride 3 --steps 1 -o out.h5
refused "has 20 samples, --samples is 30" train operator darcy.h5 --samples 30 --steps 1 -o out.h5
refused "all of them held out" train operator few.h5 --held_share 0.9 --steps 1 -o out.h5
refused "multi-grid patches of 1 levels: 33 x 33 points" train operator darcy.h5 --levels 1 --steps 1 -o out.h5
refused "must be a model and a set" predict one.h5 -o out.h5
refused "too few for --history 2" predict step.h5 darcy.h5 -o out.h5
refused "no step of time" predict axis.h5 burgers.h5 --rollout 2 -o out.h5
refused "not a model" predict darcy.h5 darcy.h5 -o out.h5
refused "input and output are the same" predict one.h5 out.h5 -o out.h5
head -c 20000 one.h5 >cut.h5
refused "cut.h5" predict cut.h5 darcy.h5 -o out.h5
"$SUBSPAN" train prior x --help >/dev/null || fail "help"
finish
