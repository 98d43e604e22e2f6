# --monitor writes a line of JSON a step for every long job, goes on in the same file at a resume, and changes no result;
# `info` says where a checkpoint stands; the summary names the slowest rank.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ellipses 2
scan_and_prior
ct_volume 4
"$SUBSPAN" simulate ct volume.h5 --views 12 --photons 1e5 --seed 1 -o lines.h5 >/dev/null || fail "simulate ct"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/graphs.py" "$work"
for ((i = 0; i < 900; i++)); do
  [ $((i % 30)) = 29 ] || echo $i $((i + 1))
  [ $i -ge 870 ] || echo $i $((i + 30))
done >mesh.txt

# lines JOB UNIT LAST NAME...: each line of `monitor` is JSON of this job with these finite numbers in some of the lines; steps do not
# fall within a start, and the last is LAST.
lines() {
  "$python" - monitor "$@" <<'P' || fail "$*: $(head -2 monitor) ... $(tail -1 monitor)"
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
job, unit, last, names = sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]
assert rows and all(r["job"] == job and r["unit"] == unit for r in rows)
assert all({"step", "of", "rate", "seconds", "seconds_left", "memory", "time"} <= r.keys() for r in rows)
assert all(a["step"] <= b["step"] for a, b in zip(rows, rows[1:])) and rows[-1]["step"] == last <= rows[-1]["of"]
assert rows[-1]["rate"] > 0 and rows[-1]["memory"] > 1e6
assert all(any(isinstance(r.get(n), (int, float)) for r in rows) for n in names), names
P
  count=$((${count:-0} + 1))
}
job() { mpirun -n 2 "$SUBSPAN" "$@" --monitor monitor >out || fail "$*"; }
sampling=(--undersample uniform1d --acceleration 2 --center_fraction 0.25)
job recon scan.h5 "${sampling[@]}" --method dds --prior prior.h5 --dds_steps 20 -o dds.h5
lines "recon dds" slices 2 level residual iteration slice
grep -q '^  slowest      rank [01] on ' out || fail "no slowest rank: $(cat out)"
job recon scan.h5 "${sampling[@]}" --method wavelet -o wavelet.h5
lines "recon wavelet" slices 2 change iteration
job recon lines.h5 --method tv --iterations 10 -o tv.h5
lines "recon tv" steps 10 change
job recon lines.h5 --method tikhonov -o tikhonov.h5 --json report.json
lines "recon tikhonov" steps "$("$python" -c 'import json; print(int(json.load(open("report.json"))["iterations"]))')" residual
job train prior image.h5 --model_channels 16 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings none --batch 8 \
  --steps 12 --validate_every 0 --pictures none -o model.h5
lines "train prior" steps 12 loss gradient_norm learning_rate epoch
job train encoding graphs.h5 --encoding eigenvectors --eigenpairs 6 --layers 1 --hidden 16 --batch 10 --steps 5 --pictures none -o encoding.h5
lines "train encoding" steps 5 loss
job simulate darcy --resolution 16 --samples 4 --seed 1 -o darcy.h5
lines "simulate darcy" samples 4
job train operator darcy.h5 --modes 4 --hidden_channels 8 --n_layers 1 --batch 2 --steps 5 --pictures none -o operator.h5
lines "train operator" steps 5 loss
job predict operator.h5 darcy.h5 -o prediction.h5
lines predict fields 4
job simulate mri image.h5 --coils 2 --noise 0 --seed 1 -o again.h5
lines "simulate mri" slices 1
job encode mesh.txt --eigenpairs 4 --solver krylovschur -o mesh.h5
lines encode stages 4 iterations iteration converged residual
job encode mesh.txt --eigenpairs 4 --solver multigrid -o mesh.h5
lines encode stages 4 iterations iteration converged level

# Stopped by a signal, and resumed: the file goes on, and does not start at 0 again.
options=(recon lines.h5 --method tv --iterations 2000 -o part.h5 --checkpoint run.h5 --checkpoint_interval 0.1 --resume --monitor log)
"$SUBSPAN" recon lines.h5 --method tv --iterations 2000 -o whole.h5 >/dev/null || fail "uninterrupted"
"$SUBSPAN" "${options[@]}" >/dev/null 2>&1 &
pid=$!
until [ -s run.h5 ] && [ -s log ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -USR1 $pid
wait $pid
[ $? = 75 ] || fail "no stop by the signal"
before=$(wc -l <log)
"$SUBSPAN" info run.h5 | grep -q "finished *$before of at most 2000 steps" || fail "info of a volume, $before steps: $("$SUBSPAN" info run.h5)"
"$SUBSPAN" "${options[@]}" >/dev/null || fail "resume"
"$python" -c 'import json; rows = [json.loads(r) for r in open("log")]; assert [r["step"] for r in rows] == list(range(1, 2001))' || fail "steps of the two starts"
same reconstruction whole.h5 part.h5 || fail "other bits"
"$SUBSPAN" train operator darcy.h5 --modes 4 --hidden_channels 8 --n_layers 1 --batch 2 --steps 5 --pictures none --checkpoint train.h5 -o operator.h5 >/dev/null || fail train
"$SUBSPAN" info train.h5 | grep -q "share *100.0 % of the run" || fail "info of a training: $("$SUBSPAN" info train.h5)"
count=$((count + 3))
refused "nowhere" recon scan.h5 --monitor nowhere/log -o out.h5
refused "no such option" view dds.h5 --monitor log -o out.h5
finish
