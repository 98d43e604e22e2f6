# The Debian package of this build: program, library, scripts and modulefile are in it, its dependencies are those of the binaries,
# and what it holds runs. The library exports its own names alone.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
for tool in cpack dpkg-deb dpkg-shlibdeps nm; do command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }; done
build=$(dirname "$SUBSPAN")
[ -f "$build/CPackConfig.cmake" ] || { echo "skipped: $build is no build folder"; exit 77; }
cd "$work"
cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work" >log 2>&1 || fail "cpack: $(tail -3 log)"
deb=$(ls subspan_*.deb)
depends=$(dpkg-deb -f "$deb" Depends)
for package in openmpi-bin libpetsc libslepc libhdf5 libdnnl libfftw3 libismrmrd libc6; do
  case $depends in *"$package"*) ;; *) fail "no dependency on $package: $depends" ;; esac
done
[ "$(dpkg-deb -f "$deb" Package)" = subspan ] && [ "$(dpkg-deb -f "$deb" Architecture)" = "$(dpkg --print-architecture)" ] || fail "$(dpkg-deb -I "$deb")"
mkdir root && dpkg-deb -x "$deb" root
version=$("$SUBSPAN" --version)
[ "$(root/usr/bin/subspan --version)" = "$version" ] || fail "the packaged program does not run"
for file in share/subspan/slurm/recon.sbatch share/subspan/slurm/job.sh share/subspan/openmpi/mca-params.conf share/man/man1/subspan.1 \
  "share/subspan/modulefiles/subspan/${version#subspan }" share/subspan/prior-brain.yaml; do
  [ -f "root/usr/$file" ] || fail "$file is missing: $(dpkg-deb -c "$deb" | head -20)"
done
[ -x root/usr/share/subspan/slurm/chain ] || fail "chain is not executable"
library=$(ldd root/usr/bin/subspan | sed -n 's/.*\(libsubspan[^ ]*\) => .*root\/usr.*/\1/p')
[ "$library" = "libsubspan.so.0.1" ] || fail "the program's library: '$library'"
nm -D --defined-only root/usr/lib*/libsubspan.so root/usr/lib/*/libsubspan.so 2>/dev/null | awk 'NF == 3 {print $3}' >names
grep -q '^SpanReconCommand@' names || fail "names: $(head -3 names)"
grep -Ev '^(Span|span_|SUBSPAN_)' names && fail "names that are not the library's are exported"
count=6
finish
