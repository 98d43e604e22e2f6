# An options file in PETSc's format or in YAML is the same run as the command line; the command line goes before it.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
y, x = np.mgrid[-1:1:48j, -1:1:40j]
h5py.File("image.h5", "w")["reconstruction"] = ((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1).astype(np.float32)[None]
P
"$SUBSPAN" simulate mri image.h5 --coils 4 --noise 0.01 --seed 3 -o scan.h5 >/dev/null || fail "simulate"
printf 'method: tv\niterations: 3\nundersample: uniform1d\ncenter_fraction: 0.25\nrecon:\n  ksp_max_it: 2\n' >run.yaml
printf -- '# three steps of tv\n-method tv\n-iterations 3\n-undersample uniform1d\n-center_fraction 0.25\n-recon_ksp_max_it 2\n' >run.opt
check() { count=$((${count:-0} + 1)); "$@" || fail "$*" >&2; }
iterations() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["iterations"])' "$1"; }

check mpirun -n 2 "$SUBSPAN" recon scan.h5 --method tv --iterations 3 --undersample uniform1d --center-fraction=0.25 --recon_ksp_max_it 2 -o line.h5 >/dev/null
for file in run.yaml run.opt; do
  check mpirun -n 2 "$SUBSPAN" recon scan.h5 --options_file $file -o file.h5 >/dev/null
  check same reconstruction line.h5 file.h5
  check "$SUBSPAN" recon scan.h5 --iterations 5 --options-file $file -o five.h5 --json five.json >/dev/null
  check [ "$(iterations five.json)" = 5.0 -o "$(iterations five.json)" = 5 ]
done
finish
