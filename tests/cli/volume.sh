# A 3D scan: the same bits on 1, 2 and 4 ranks, memory that falls with the ranks, and --plan within 10 %.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import numpy as np
n0, n1, n2, coils = 96, 80, 64, 8
z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (n2, n1, n0)), indexing="ij")
image = ((x / 0.8) ** 2 + (y / 0.8) ** 2 + (z / 0.8) ** 2 < 1) * (1 + 0.3 * np.sin(7 * x) * np.cos(9 * y))
with open("scan.cfl", "wb") as f:
    for j in range(coils):
        a = 2 * np.pi * j / coils
        coil = image * np.exp(1j * a) / (0.3 + (y - 1.2 * np.sin(a)) ** 2 + (z - 1.2 * np.cos(a)) ** 2)
        k = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(coil), norm="ortho"))
        f.write(k.astype(np.complex64).tobytes())
open("scan.hdr", "w").write(f"# Dimensions\n{n0} {n1} {n2} {coils}\n")
P
options=(scan.cfl --undersample poisson2d --acceleration 4 --seed 1)
for n in 1 2 4; do
  mpirun -n $n "$SUBSPAN" recon "${options[@]}" --iterations 2 -o out$n.h5 --json out$n.json >/dev/null || fail "recon on $n ranks"
  mpirun -n $n "$SUBSPAN" recon "${options[@]}" --plan >plan$n.txt || fail "plan on $n ranks"
done
mpirun -n 2 "$SUBSPAN" recon "${options[@]}" --iterations 2 --team 2 --slices 40:50 -o team.h5 >/dev/null || fail "recon in a team"
"$python" - <<'P' || fail "bits or memory"
import h5py, json, numpy as np, re
volume = 96 * 80 * 64 * 8 * 8 / 2**20
read = lambda n: h5py.File(f"out{n}.h5")["reconstruction"][()]
peak = {}
for n in (1, 2, 4):
    assert np.array_equal(read(1), read(n)), n
    peak[n] = json.load(open(f"out{n}.json"))["peak_memory"] / 2**20
    plan = float(re.search(r"\n +all +([\d.]+)", open(f"plan{n}.txt").read()).group(1))
    print(f"{n} ranks: peak {peak[n]:.1f} MiB, planned {plan:.1f} MiB")
    assert abs(plan / peak[n] - 1) < 0.1
assert peak[1] - peak[2] > 0.3 * volume and peak[1] - peak[4] > 0.5 * volume, (peak, volume)
team, whole = h5py.File("team.h5")["reconstruction"][()], read(1)[40:50]
assert np.linalg.norm(team - whole) < 1e-5 * np.linalg.norm(whole)
P
count=5
finish
