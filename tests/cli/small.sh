# Images smaller than anything scanned, which random shifts, wavelet levels, calibration regions and windows must not leave.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
for ny, nx in ((16, 12), (7, 9)):
    y, x = np.mgrid[-1:1:ny * 1j, -1:1:nx * 1j]
    h5py.File(f"image-{nx}.h5", "w")["reconstruction"] = (((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1) * (2 + x + y)).astype(np.float32)[None]
P
for nx in 12 9; do
  "$SUBSPAN" simulate mri image-$nx.h5 --coils 3 --noise 0.01 --seed 1 -o scan.h5 >/dev/null || fail "simulate, $nx columns"
  for method in zero_filled cg wavelet tv; do
    "$SUBSPAN" recon scan.h5 --method $method --undersample uniform1d --acceleration 2 --center_fraction 0.75 -o out.h5 >/dev/null 2>error ||
      fail "$method, $nx columns: $(head -3 error)"
    count=$((${count:-0} + 1))
  done
done
finish
