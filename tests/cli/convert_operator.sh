# A PyTorch state dictionary of neuraloperator becomes an operator that predicts the published network's output.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py, torch' 2>/dev/null || { echo "skipped: python3-torch or python3-h5py is not installed"; exit 77; }
cd "$work"
convert=$SUBSPAN_SOURCE/examples/convert-neuraloperator
check() { count=$((${count:-0} + 1)); "$@" || fail "$*" >&2; }

cat >states.py <<'P'
import os
import h5py, numpy as np, torch

file = h5py.File(os.environ["SUBSPAN_SOURCE"] + "/tests/data/tfno.h5")

def published(name, values):  # layouts of the published code; see tests/data/tfno.py
    if ".weight." in name:
        if name.endswith("tensor"):
            values = np.moveaxis(values, (-3, -2), (0, 1))
        return torch.view_as_complex(torch.tensor(np.ascontiguousarray(values)))
    if ".convs." in name:
        return torch.tensor(values)[:, None, None]
    if "mlp_skips" in name:
        return torch.tensor(values)[None, :, None, None]
    return torch.tensor(values)[..., None] if values.ndim == 2 else torch.tensor(values)

with h5py.File("data.h5", "w") as out:
    for name in ("dense", "tucker", "cp", "tt", "tucker_groupnorm_padding"):
        model = file[f"model/{name}"]
        torch.save({n: published(n, v[:]) for n, v in model["param"].items()}, f"{name}.pt")
        for side, source in ((16, model), (32, model["grid32"])):
            group = out.create_group(f"{name}{side}")
            group["x"], group["y"] = source["x"][..., 0][:, None], source["y"][..., 0][:, None]
torch.save({"a.weight": torch.zeros(3, 3)}, "broken.pt")
P
cat >compare.py <<'P'
import sys
import h5py, numpy as np
ours, theirs = h5py.File("out.h5")["prediction"][:], h5py.File("data.h5")[sys.argv[1]]["y"][:]
error = np.linalg.norm(ours.reshape(theirs.shape) - theirs) / np.linalg.norm(theirs)
assert error < 1e-5, error
P
check "$python" states.py
for name in dense tucker cp tt tucker_groupnorm_padding; do
  check "$convert" $name.pt -o $name.h5 $([ $name = tucker_groupnorm_padding ] && echo --domain-padding 0.125)
  for side in 16 32; do
    check "$SUBSPAN" predict $name.h5 data.h5 --group $name$side -o out.h5 >log 2>&1 || cat log >&2
    check "$python" compare.py $name$side
  done
done
"$convert" broken.pt -o broken.h5 2>message && fail "a dictionary of something else was taken"
check grep -q "not a network of neuraloperator" message
check [ ! -e broken.h5 -a ! -e broken.h5.part ]
finish
