# Training: the same curve on 1 and 2 ranks and with micro-batches, a model that describes itself, options and files that
# are refused with one line.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/images.py" "$work"
network=(--model_channels 16 --channel_mult 1,2 --groups 4 --patch 16 --padding 8 --surroundings 1 --batch 16)
options=(train.h5 more.h5 "${network[@]}" --steps 12 --warmup 4 --learning_rate 2e-3 --record_every 1 --validation val.h5 --validate_every 6
  --validation_patches 8 --pictures none)
"$SUBSPAN" train prior "${options[@]}" -o one.h5 --json one.json >closing || fail "1 rank"
mpirun -n 2 "$SUBSPAN" train prior "${options[@]}" -o two.h5 >/dev/null || fail "2 ranks"
mpirun -n 4 "$SUBSPAN" train prior "${options[@]}" --micro_batch 3 -o four.h5 >/dev/null || fail "4 ranks, micro-batches"
"$SUBSPAN" train prior "${options[@]}" --type bfloat16 -o bf16.h5 >/dev/null || fail bfloat16
"$python" - <<'P' || fail "the curves"
import h5py, numpy as np
one, two, four, bf16 = (h5py.File(n + ".h5") for n in ("one", "two", "four", "bf16"))
curve = lambda f: f["history/curve"][:, 2]
assert curve(one).shape == (12,) and np.isfinite(curve(one)).all()
assert one["history/validation"][8, 2] < one["history/validation"][3, 2]
for other in (two, four):
    assert np.allclose(curve(one), curve(other), rtol=1e-4), (curve(one), curve(other))
    assert np.allclose(one["history/validation"], other["history/validation"], rtol=1e-4)
assert np.allclose(curve(one)[:4], curve(bf16)[:4], rtol=0.05), (curve(one), curve(bf16))
assert one["history/validation"].shape == (10, 4)
assert one["history/curve"].attrs["columns"] == b"step,epoch,loss,gradient_norm,learning_rate,seconds"
assert one.attrs["subspan_model"] == b"prior" and one["configuration"].attrs["form"] == b"edm"
P
"$SUBSPAN" train prior "${options[@]}" --initial one.h5 --form vp_linear --storage float16 --phase 0 -o vp.h5 >/dev/null || fail "--initial, vp_linear"
"$SUBSPAN" train prior "${options[@]}" --patch 0 --padding 4 --surroundings none --batch 2 -o whole.h5 >/dev/null || fail "whole images"
"$SUBSPAN" train prior train.h5 "${network[@]}" --steps 2 --validation val.h5 -o out.h5 >/dev/null || fail pictures
for what in curve denoised generated; do [ -s out-$what.png ] || fail "no out-$what.png"; done
"$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 -o out.h5 >/dev/null || fail checkpoint
"$SUBSPAN" train prior "${options[@]}" --plan >plan || fail "--plan"
"$SUBSPAN" info one.h5 --json model.json >model || fail "info of a model"
"$SUBSPAN" info run.h5 >checkpoint || fail "info of a checkpoint"
"$python" - <<'P' || fail "report, plan, info"
import h5py, json, math, re
import numpy as np
one, report, model = h5py.File("one.h5"), json.load(open("one.json")), json.load(open("model.json"))
weights = sum(p.size for p in one["parameters"].values())
assert report["steps"] == 12 and report["ranks"] == 1 and report["parameters"] == weights
close = lambda a, b: np.allclose(a, b, rtol=1e-14, atol=0)  # JSON has 15 digits
assert close(report["loss"], one["history/curve"][-1, 2]) and 0 < report["seconds"] < 100
assert 1e6 < report["peak_memory_tensors"] < report["peak_memory"] < 1e9
rows = one["history/validation"][5:]
columns = {"sigma": rows[:, 1], "loss": rows[:, 2], "psnr_denoised": rows[:, 3], "psnr_noisy": one["history/noise"][:, 1]}
for name, values in columns.items():
    for told in (report, model):
        assert close([v[name] for v in told["validation"]], values), name
for v in report["validation"]:  # what lies outside of the image has no noise
    assert 0 < v["psnr_noisy"] - -10 * math.log10(2 * v["sigma"] ** 2) < 3
    for text in (open("closing").read(), open("model").read()):
        assert f"{v['psnr_noisy']:.2f}" in text and f"{v['psnr_denoised']:.2f}" in text
planned = float(re.search(r"with the images +([\d.]+)", open("plan").read())[1]) * 2**20
assert abs(planned / report["peak_memory"] - 1) < 0.1, (planned, report["peak_memory"])
text = open("model").read()
for words in ("a prior", "16 channels times 1, 2", f"{weights} in", "edm, sigma_data 0.25", "16 x 16, padding 8", "12 steps"):
    assert words in text, words
assert "12 steps" in open("checkpoint").read() and "loss" in open("checkpoint").read()
P
count=12

refused "give -o" train prior train.h5 --steps 1
refused "no/such/out.h5: cannot be written" train prior train.h5 --steps 1 -o no/such/out.h5
refused "how long?" train prior train.h5 -o out.h5
refused "no images" train prior --steps 1 -o out.h5
refused "it can train prior, operator" train picture train.h5 --steps 1 -o out.h5
refused "the nearest is --batch" train prior train.h5 --bathc 3 --steps 1 -o out.h5
refused "divisible by 8" train prior train.h5 --patch 20 --steps 1 -o out.h5
refused "--channel_mult 1,x" train prior train.h5 --channel_mult 1,x --steps 1 -o out.h5
refused "multiple of --patches_per_image" train prior train.h5 --batch 6 --steps 1 -o out.h5
refused "patches of 512 points do not fit" train prior train.h5 --patch 512 --steps 1 -o out.h5
refused "not one of edm|vp_linear|vp_cosine" train prior train.h5 --form ddpm --steps 1 -o out.h5
refused "from what?" train prior train.h5 --resume --steps 1 -o out.h5
refused "input and output are the same" train prior out.h5 --steps 1 -o out.h5
refused "those of train.h5 have 48 x 40" train prior train.h5 other_size.h5 "${network[@]}" --steps 1 -o out.h5
refused "nan.h5: \`image\`: element" train prior nan.h5 "${network[@]}" --steps 1 -o out.h5
refused "nothing above 0" train prior zeros.h5 "${network[@]}" --steps 1 -o out.h5
refused "4 dimensions" train prior rank.h5 "${network[@]}" --steps 1 -o out.h5
refused "text.h5" train prior text.h5 "${network[@]}" --steps 1 -o out.h5
refused "no image in it" train prior no_image.h5 "${network[@]}" --steps 1 -o out.h5
refused "gone.h5: no such file" train prior gone.h5 "${network[@]}" --steps 1 -o out.h5
refused "not a model" train prior train.h5 "${network[@]}" --initial train.h5 --steps 1 -o out.h5
refused "has the shape" train prior train.h5 "${network[@]}" --initial one.h5 --model_channels 32 --steps 1 -o out.h5
cp one.h5 nan_model.h5
"$python" -c 'import h5py; f = h5py.File("nan_model.h5", "r+"); f["parameters/out.2.bias"][0] = float("nan")'
refused "out.2.bias\`: element 0" info nan_model.h5
head -c 100000 one.h5 >cut_model.h5
refused "cut_model.h5" train prior train.h5 "${network[@]}" --initial cut_model.h5 --steps 1 -o out.h5
refused "the loss is" train prior train.h5 "${network[@]}" --scale 1e25 --clip 0 --steps 3 -o out.h5
finish
