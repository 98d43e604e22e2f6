# Training encodings: the same curve on 1 and 2 ranks and threads, every encoding, a model that describes itself, options
# and files that are refused with one line.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/graphs.py" "$work"
network=(--eigenpairs 6 --psis 4 --psi_hidden 4 --phi_layers 3 --phi_hidden 8 --encoding_width 6 --layers 2 --hidden 16 --mlp_layers 2)
options=(graphs.h5 "${network[@]}" --batch 10 --steps 12 --warmup 4 --learning_rate 3e-3 --record_every 1 --validate_every 6 --pictures none)
"$SUBSPAN" train encoding "${options[@]}" -o one.h5 --json one.json >closing || fail "1 rank"
OMP_NUM_THREADS=2 "$SUBSPAN" train encoding "${options[@]}" --threads 2 -o threads.h5 >/dev/null || fail "2 threads"
mpirun -n 2 "$SUBSPAN" train encoding "${options[@]}" -o two.h5 >/dev/null || fail "2 ranks"
mpirun -n 3 "$SUBSPAN" train encoding "${options[@]}" -o three.h5 >/dev/null || fail "3 ranks"
"$python" - <<'P' || fail "the curves"
import h5py, json, numpy as np
one, threads, two, three = (h5py.File(n + ".h5") for n in ("one", "threads", "two", "three"))
curve = lambda f: f["history/curve"][:, 2]
assert curve(one).shape == (12,) and np.isfinite(curve(one)).all() and curve(one)[-1] < curve(one)[0]
assert np.array_equal(curve(one), curve(threads))
for other in (two, three):
    assert np.allclose(curve(one), curve(other), rtol=1e-3), (curve(one), curve(other))
    assert np.allclose(one["history/validation"], other["history/validation"], rtol=1e-3)
    for name, values in one["parameters"].items():
        if "running" in name:
            assert np.allclose(values, other["parameters"][name], rtol=1e-2, atol=1e-3), name
assert one["history/validation"].attrs["columns"] == b"step,split,loss,error_1,error_2"
assert one["history/validation"].shape == (4, 5)
assert one.attrs["subspan_model"] == b"encoding" and one["configuration"].attrs["encoding"] == b"spe"
report = json.load(open("one.json"))
rows = one["history/validation"][:]
assert np.allclose([v["loss"] for v in report["validation"]], rows[:, 2], rtol=1e-14, atol=0)
assert [v["split"] for v in report["validation"]] == ["val", "test"] * 2
assert "val   loss" in open("closing").read() and "absolute errors" in open("closing").read()
P
for encoding in none signnet eigenvectors random_walk heat pearl; do
  "$SUBSPAN" train encoding "${options[@]}" --encoding $encoding -o $encoding.h5 >/dev/null || fail "--encoding $encoding"
done
"$SUBSPAN" train encoding "${options[@]}" --psi deepsets --use concatenate --pooling sum --standardise --phi diagonal -o other.h5 >/dev/null ||
  fail "deepsets, concatenate, sum, standardise, diagonal"
"$SUBSPAN" train encoding "${options[@]}" --columns 3 --initial one.h5 -o columns.h5 >/dev/null || fail "--columns, --initial"
for ranks in 1 2; do
  mpirun -n $ranks "$SUBSPAN" train encoding nodes.h5 --group small --loss cross_entropy "${network[@]}" --columns 8 --batch 14 \
    --steps 6 --record_every 1 --validate_every 3 --pictures none -o nodes$ranks.h5 >/dev/null || fail "nodes on $ranks ranks"
done
"$SUBSPAN" train encoding "${options[@]}" --plan >plan || fail "--plan"
"$SUBSPAN" info one.h5 >model || fail "info of a model"
"$python" - <<'P' || fail "nodes, plan"
import h5py, numpy as np
one, two = (h5py.File(f"nodes{n}.h5") for n in (1, 2))
assert np.allclose(one["history/curve"][:, 2], two["history/curve"][:, 2], rtol=1e-3)
assert one["history/validation"].attrs["columns"] == b"step,split,loss,accuracy"
assert "20 graphs" in open("plan").read()
assert "encoding" in open("model").read()
assert h5py.File("other.h5")["history/targets"].shape == (2, 2)
P
count=14
refused "the nearest is encoding" train encodings graphs.h5 --steps 1 -o out.h5
refused "2 sets of graphs" train encoding graphs.h5 nodes.h5 --steps 1 -o out.h5
refused "not one of none|spe|signnet" train encoding graphs.h5 --encoding lap --steps 1 -o out.h5
refused "--micro_batch 2" train encoding graphs.h5 --micro_batch 2 --steps 1 -o out.h5
refused "needs labelled nodes" train encoding graphs.h5 --loss cross_entropy --steps 1 -o out.h5
refused "cross_entropy" train encoding nodes.h5 --group small --steps 1 -o out.h5
refused "has no labels" train encoding nodes.h5 --group plain --loss cross_entropy --steps 1 -o out.h5
refused "the set has 0 targets a graph" train encoding no_target.h5 --steps 1 -o out.h5
refused "nan_target.h5" train encoding nan_target.h5 --steps 1 -o out.h5
refused "2 targets a graph, the set that is trained on has 1" train encoding one_target.h5 --steps 1 -o out.h5
refused "gone.h5" train encoding gone.h5 --steps 1 -o out.h5
refused "has the shape" train encoding graphs.h5 "${network[@]}" --phi_hidden 16 --initial one.h5 --steps 1 -o out.h5
head -c 20000 one.h5 >cut_model.h5
refused "cut_model.h5" train encoding graphs.h5 "${network[@]}" --initial cut_model.h5 --steps 1 -o out.h5
finish
