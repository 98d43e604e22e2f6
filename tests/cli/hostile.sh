# Broken files and command lines: each gets one clear line that names what is wrong, status 2, and leaves no output.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/broken_files.py" "$work" || exit 1
cd "$work"
out=(-o out.h5)

for file in no_kspace real_kspace two_dimensions five_dimensions mask_length mask_shape mask_rank mask_text mask_complex \
  tiny empty_slices nan inf no_centre header header_empty header_number trajectory_shape trajectory_rank \
  density_shape kspace_group kspace_link huge spacing dataset cut cut_early empty garbage folder; do
  refused "$file.h5" recon $file.h5 "${out[@]}"
done
refused "trajectory" recon trajectory_nan.h5 "${out[@]}"
refused "trajectory" recon trajectory_huge.h5 "${out[@]}"
refused "list_real.h5: \`dataset/data\`" recon list_real.h5 "${out[@]}"
refused "list_heads.h5: \`dataset/data\`" recon list_heads.h5 "${out[@]}"
refused "acquisition 0 has 31 and 0 numbers of data and trajectory, its header says 32 and 0" recon list_samples.h5 "${out[@]}"
refused "giant.h5" recon giant.h5 "${out[@]}"
refused "centre of k-space is 0 x 0" recon zeros.h5 "${out[@]}"
refused "text.txt" recon text.txt "${out[@]}"
refused "nothing.h5: no such file" recon nothing.h5 "${out[@]}"
for file in short long letters negative overflow echoes no_data no_dims; do
  refused "$file" recon $file.cfl "${out[@]}"
done

refused "no such command; the nearest is recon" reco good.h5
refused "the nearest is --acceleration" recon good.h5 --accelaration 4 "${out[@]}"
refused "the nearest is --method" recon good.h5 --metod cg "${out[@]}"
refused "nearest: wavelet" recon good.h5 --method wavlet "${out[@]}"
refused "--acceleration 0.5: out of range" recon good.h5 --undersample uniform1d --acceleration 0.5 "${out[@]}"
refused "--acceleration four: not a finite number" recon good.h5 --acceleration four "${out[@]}"
refused "--iterations 2.5: not a whole number" recon good.h5 --iterations 2.5 "${out[@]}"
refused "--center_fraction 2" recon good.h5 --center-fraction=2 "${out[@]}"
refused "--offset 7" recon good.h5 --undersample uniform1d --acceleration 4 --offset 7 "${out[@]}"
refused "give -o" recon good.h5
refused "2 inputs" recon good.h5 nan.h5 "${out[@]}"
refused "0 inputs" recon "${out[@]}"
refused "same file" recon good.h5 -o good.h5
refused "--resume" recon good.h5 --resume "${out[@]}"
refused "--slices 3:9" recon good.h5 --slices 3:9 "${out[@]}"
refused "--team 3" recon good.h5 --team 3 "${out[@]}"
refused "no/such/place" recon good.h5 -o no/such/place/out.h5
refused "no/such/place" recon good.h5 "${out[@]}" --checkpoint no/such/place/run.h5
refused "maps_coils.h5" recon good.h5 --maps maps_coils.h5 "${out[@]}"
refused "maps_rank.h5" recon good.h5 --maps maps_rank.h5 "${out[@]}"
refused "nothing.h5" recon good.h5 --maps nothing.h5 "${out[@]}"
refused "mask" recon good.h5 --mask maps_rank.h5 "${out[@]}"
refused "image.h5: 2 x 32 x 32" recon good.h5 --reference image.h5 "${out[@]}"
refused "--map_sets 9" recon good.h5 --map_sets 9 "${out[@]}"
refused "the value is missing" recon good.h5 --method -o out.h5

refused "image_other.h5 is 3 x 32 x 32" compare image.h5 image_other.h5
refused "image_nan.h5" compare image.h5 image_nan.h5
refused "image_rank.h5" compare image_rank.h5 image.h5
refused "image_text.h5" compare image_text.h5 image.h5
refused "cut.nii" compare cut.nii image.h5
refused "1 inputs" compare image.h5
refused "it has no data set" compare image.h5 image.h5 --array nothing
refused "--window 3" view image.h5 --window 3 -o picture.png
refused "--slice 5" view image.h5 --slice 5 -o picture.png
refused "no/such" view image.h5 -o no/such/picture.png
refused "text.txt" info text.txt
refused "it can simulate mri" simulate mro image.h5 "${out[@]}"
refused "--coils 0" simulate mri image.h5 --coils 0 "${out[@]}"
refused "--slices 1:7" simulate mri image.h5 --slices 1:7 "${out[@]}"
refused "--matrix 33" simulate mri image.h5 --matrix 33 "${out[@]}"
refused "center_fraction" simulate mri image.h5 --undersample gaussian1d --acceleration 20 --center_fraction 0.5 "${out[@]}"

refused "give --prior MODEL.h5" recon good.h5 --method dds "${out[@]}"
refused "--method cg: takes no --prior" recon good.h5 --method cg --prior good.h5 "${out[@]}"
refused "good.h5" recon good.h5 --method dds --prior good.h5 "${out[@]}"
refused "nothere.h5" recon good.h5 --method dds --prior nothere.h5 "${out[@]}"
refused "it takes no --iterations" recon good.h5 --method dds --prior good.h5 --iterations 3 "${out[@]}"
refused "no/such/out.h5: cannot be written" recon good.h5 -o no/such/out.h5
refused "no/such/out.json: cannot be written" recon good.h5 --json no/such/out.json "${out[@]}"
refused "no/such/scan.h5: cannot be written" simulate mri image.h5 -o no/such/scan.h5
refused "--method tv: takes no --samples" recon good.h5 --method tv --samples 3 "${out[@]}"
refused "--dds_steps" recon good.h5 --method dds --dds_steps 0 "${out[@]}"
for method in diffpir pnp annealed dps; do
  refused "--method $method: give --prior MODEL.h5" recon good.h5 --method $method "${out[@]}"
  refused "--method $method: its length is --dds_steps" recon good.h5 --method $method --prior good.h5 --iterations 3 "${out[@]}"
done
refused "--diffpir_lambda 0" recon good.h5 --method diffpir --prior good.h5 --diffpir_lambda 0 "${out[@]}"
refused "--diffpir_zeta 1.5" recon good.h5 --method diffpir --prior good.h5 --diffpir_zeta 1.5 "${out[@]}"
refused "--pnp_lambda -1" recon good.h5 --method pnp --prior good.h5 --pnp_lambda -1 "${out[@]}"
refused "--annealed_snr nan" recon good.h5 --method annealed --prior good.h5 --annealed_snr nan "${out[@]}"
refused "the nearest is --annealed_lambda" recon good.h5 --method annealed --prior good.h5 --annealed_lamda 1 "${out[@]}"
refused "--dps_step -1" recon good.h5 --method dps --prior good.h5 --dps_step -1 "${out[@]}"
refused "is above --dds_sigma_max" recon good.h5 --method annealed --prior good.h5 --dds_sigma_min 2 "${out[@]}"

printf 'method: [tv\n' >broken.yaml
printf 'methd: tv\n' >typo.yaml
printf 'method tv\n' >plain.opt
refused "nothere.yaml" recon good.h5 --options_file nothere.yaml "${out[@]}"
refused "broken.yaml: not an options file" recon good.h5 --options_file broken.yaml "${out[@]}"
refused "plain.opt: not an options file" recon good.h5 --options_file plain.opt "${out[@]}"
refused "good.h5: not an options file" recon good.h5 --options_file good.h5 "${out[@]}"
refused "nearest is --method" recon good.h5 --options_file typo.yaml "${out[@]}"

"$SUBSPAN" recon list_good.h5 --method zero_filled "${out[@]}" >/dev/null || fail "the good list of acquisitions was refused"
"$SUBSPAN" recon good.h5 "${out[@]}" >/dev/null || fail "the good file was refused"
finish
