# Encoding a graph by a trained model: the same on any number of ranks, renumbered with the nodes, near the whole by a
# sample of columns, every kind of model, and what is refused.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/graphs.py" "$work"
"$python" - <<'P'
import numpy as np
rng = np.random.default_rng(2)
n = 60
upper = np.triu(rng.random((n, n)) < 0.08, 1)
upper[np.arange(n - 1), np.arange(1, n)] = True
place = rng.permutation(n)
np.save("place.npy", place)
for name, at in (("graph", np.arange(n)), ("turned", place)):
    edges = at[np.argwhere(upper)]
    with open(name + ".mtx", "w") as f:
        print("%%MatrixMarket matrix coordinate pattern symmetric", f"{n} {n} {len(edges)}", sep="\n", file=f)
        for a, b in edges:
            print(max(a, b) + 1, min(a, b) + 1, file=f)
P
network=(--eigenpairs 8 --psis 4 --psi_hidden 4 --phi_layers 3 --phi_hidden 16 --encoding_width 6 --layers 2 --hidden 16 --mlp_layers 2)
train() { "$SUBSPAN" train encoding graphs.h5 "${network[@]}" --batch 10 --steps 4 --warmup 1 --pictures none "$@" >/dev/null || fail "train $*"; }
train -o spe.h5
train --phi diagonal --psi deepsets -o diagonal.h5
for kind in signnet random_walk pearl eigenvectors none; do train --encoding $kind -o $kind.h5; done
for ranks in 1 2 3; do
  mpirun -n $ranks "$SUBSPAN" encode graph.mtx --model spe.h5 -o e$ranks.h5 --json e$ranks.json >said || fail "encode on $ranks ranks"
done
grep -q "6 numbers a node by spe.h5" said || fail "the encoding is not told"
for model in spe diagonal signnet random_walk pearl eigenvectors; do
  "$SUBSPAN" encode graph.mtx --model $model.h5 -o $model-graph.h5 >/dev/null || fail "encode by $model"
  "$SUBSPAN" encode turned.mtx --model $model.h5 -o $model-turned.h5 >/dev/null || fail "encode by $model, turned"
done
for columns in 15 60; do
  for seed in 1 2 3 4; do
    "$SUBSPAN" encode graph.mtx --model spe.h5 --columns $columns --seed $seed -o c$columns-$seed.h5 >/dev/null || fail "--columns $columns"
  done
done
"$python" - <<'P' || fail "the encodings"
import h5py, numpy as np
read = lambda name: h5py.File(name + ".h5")["encoding"][:]
gap = lambda a, b: np.linalg.norm(a - b) / np.linalg.norm(b)
whole, place = read("e1"), np.load("place.npy")
assert whole.shape == (60, 6) and whole.dtype == np.float32 and whole.std() > 0
for ranks in (2, 3):
    assert gap(read(f"e{ranks}"), whole) < 1e-4, gap(read(f"e{ranks}"), whole)
for model in ("spe", "diagonal", "signnet", "random_walk"):
    assert gap(read(model + "-turned")[place], read(model + "-graph")) < 1e-3, model
assert read("eigenvectors-graph").shape == (60, 8)
errors = {c: np.mean([gap(read(f"c{c}-{s}"), whole) for s in (1, 2, 3, 4)]) for c in (15, 60)}
assert errors[60] < 1e-4 and 1e-3 < errors[15] < 0.5, errors
P
count=10
refused "without an encoding" encode graph.mtx --model none.h5 -o out.h5
refused "was trained on the symmetric" encode graph.mtx --model spe.h5 --laplacian combinatorial -o out.h5
refused "gone.h5" encode graph.mtx --model gone.h5 -o out.h5
refused "not a model" encode graph.mtx --model graphs.h5 -o out.h5
head -c 20000 spe.h5 >cut.h5
refused "cut.h5" encode graph.mtx --model cut.h5 -o out.h5
cp spe.h5 bad.h5
"$python" -c 'import h5py; f = h5py.File("bad.h5", "r+"); f["configuration"].attrs["phi_layers"] = [2.0**20]'
refused "phi_layers\` of the configuration" encode graph.mtx --model bad.h5 -o out.h5
finish
