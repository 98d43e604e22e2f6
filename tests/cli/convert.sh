# A PyTorch UNet's state dictionary becomes a model file that gives the same output and gradients.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py, torch' 2>/dev/null || { echo "skipped: python3-torch or python3-h5py is not installed"; exit 77; }
cd "$work"
convert=$SUBSPAN_SOURCE/examples/convert-pytorch
server=$(dirname "$SUBSPAN")/tests/benchmark-unet
check() { count=$((${count:-0} + 1)); "$@" || fail "$*" >&2; }

cat >torch_side.py <<'P'
import os, sys
sys.path.insert(0, os.environ["SUBSPAN_SOURCE"] + "/tests/benchmarks")
import h5py, numpy as np, torch
from pytorch_unet import UNet, randomise

torch.set_num_threads(1)
model = randomise(UNet(2, 4, 32, (1, 2), 2, 16, attention=(2,), middle_attention=True, head_channels=16), 3)
torch.save(model.state_dict(), "model.pt")
torch.save({name: v for name, v in model.state_dict().items() if "emb_layers" not in name}, "broken.pt")
x, seed, time = torch.randn(2, 2, 16, 16), torch.randn(2, 2, 16, 16), torch.tensor([3.0, 700.0])
y = model(x, time)[:, :2]  # without the variance half
y.backward(seed)
last = lambda v: v.detach().permute(0, 2, 3, 1).contiguous().numpy()
with h5py.File("input.h5", "w") as file:
    file["x"], file["seed"], file["time"], file["y"] = last(x), last(seed), time.numpy(), last(y)
    file["norm"] = np.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
P
cat >compare.py <<'P'
import h5py, numpy as np
file, raw = h5py.File("input.h5"), np.fromfile("out.raw", np.float32)
y = file["y"][:].ravel()
print(np.linalg.norm(raw[: y.size] - y) / np.linalg.norm(y), abs(np.linalg.norm(raw[y.size :]) / file["norm"][()] - 1))
assert np.linalg.norm(raw[: y.size] - y) < 1e-4 * np.linalg.norm(y)
assert abs(np.linalg.norm(raw[y.size :]) / file["norm"][()] - 1) < 1e-4
P
check "$python" torch_side.py
for half in "" --half; do
  check "$convert" model.pt -o model.h5 --groups 16 --head-channels 16 $half
done
check "$convert" model.pt -o model.h5 --groups 16 --head-channels 16
echo "save f32 out.raw" | check "$server" -model model.h5 -input input.h5 -size 16 -batch 2 >/dev/null
check "$python" compare.py
"$convert" broken.pt -o broken.h5 2>message && fail "a dictionary without embeddings was taken"
check grep -q "not a guided-diffusion UNet" message
check [ ! -e broken.h5 -a ! -e broken.h5.part ]
finish
