# What the scripts share: a temporary folder, mpirun as root, and expectations.
set -uo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=/usr/bin/python3
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

# refused WHAT COMMAND...: the program must end with status 2, say one line that holds WHAT, and write no output.
refused() {
  local what=$1 status
  shift
  rm -rf "$work/out.h5" "$work/out.h5.part"
  timeout 60 "$SUBSPAN" "$@" >"$work/stdout" 2>"$work/stderr"
  status=$?
  [ $status = 2 ] || fail "status $status, not 2: subspan $*: $(head -3 "$work/stderr")"
  [ "$(wc -l <"$work/stderr")" = 1 ] || fail "not one line: subspan $*: $(head -5 "$work/stderr")"
  grep -qF -- "$what" "$work/stderr" || fail "the message does not name '$what': $(cat "$work/stderr")"
  [ ! -e "$work/out.h5" ] && [ ! -e "$work/out.h5.part" ] || fail "an output was left: subspan $*"
  count=$((${count:-0} + 1))
}

# same ARRAY A B: the arrays of two HDF5 files hold the same bits.
same() {
  "$python" - "$@" <<'P'
import h5py, sys
a, b = (h5py.File(name)[sys.argv[1]][()] for name in sys.argv[2:])
sys.exit(a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes())
P
}

finish() {
  echo "${count:-0} checks, $failures failed"
  [ $failures = 0 ]
}
# SLICES: image.h5, ellipses of 48 x 40 with waves in them, each slice another.
ellipses() {
  "$python" - "$1" <<'P'
import sys, h5py, numpy as np
y, x = np.mgrid[-1:1:48j, -1:1:40j]
image = np.stack([((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1) * (1 + 0.3 * np.sin(9 * x + s)) for s in range(int(sys.argv[1]))])
h5py.File("image.h5", "w")["reconstruction"] = image.astype(np.float32)
P
}
# scan.h5 of image.h5, and prior.h5, which has hardly learned from it.
scan_and_prior() {
  "$SUBSPAN" simulate mri image.h5 --coils 4 --noise 0.01 --seed 3 -o scan.h5 >/dev/null || fail simulate
  "$SUBSPAN" train prior image.h5 --model_channels 16 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings none \
    --batch 4 --steps 2 --validate_every 0 --pictures none -o prior.h5 >/dev/null || fail "a prior"
}
# SLICES: volume.h5 in HU, ellipses of 48 x 40 with waves and noise in them, and slices.h5, the same images with an extent.
ct_volume() {
  "$python" - "$1" <<'P'
import sys, h5py, numpy as np
n = int(sys.argv[1])
y, x = np.mgrid[-1:1:48j, -1:1:40j]
rng = np.random.default_rng(1)
volume = np.stack([np.where((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1, 300 * np.sin(9 * x + 0.3 * s), -1000) for s in range(n)])
volume = np.round(volume + 20 * rng.standard_normal(volume.shape)).astype(np.int16)
with h5py.File("volume.h5", "w") as f:
    f["volume"] = volume
    f["volume"].attrs["units"] = "HU"
    f["volume"].attrs["voxel_size_mm"] = [2.0, 1.0, 1.0]
with h5py.File("slices.h5", "w") as f:
    f["image"] = volume
    f["extent"] = np.tile([4, 44, 0, 40], (n, 1))
P
}
# prior.h5 of these slices, which has hardly learned from them.
ct_network=(--model_channels 16 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings none --batch 8 --validate_every 0)
ct_training=(slices.h5 "${ct_network[@]}" --steps 6 --channels 1 --units HU --scale 5e-4 --phase 0 --zoom_low 0.6 --stretch 0.1 --rotate 10 --bend 2 --hold_out 1,2 --pictures none)
ct_prior() { "$SUBSPAN" train prior "${ct_training[@]}" -o prior.h5 >/dev/null; }
# Waits for a launcher whose rank was killed. Open MPI's can deadlock when a rank dies while it starts: after a minute it
# is killed with what it left.
ended() {
  for _ in $(seq 600); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -0 "$1" 2>/dev/null && pkill -9 -P "$1"
  kill -9 "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}
