# What a killed run leaves in /dev/shm (Open MPI's semaphore of a file's name, taken) does not hang the next one.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
cd "$work"
name=stale-$$.h5
trap 'rm -rf "$work" /dev/shm/sem.OMPIO_"$name"*' EXIT
head -c 32 /dev/zero >"/dev/shm/sem.OMPIO_$name.part" 2>/dev/null || { echo "skipped: /dev/shm cannot be written"; exit 77; }
timeout 60 mpirun -n 2 "$SUBSPAN" simulate darcy --resolution 17 --samples 2 --seed 1 -o "$name" >/dev/null || fail "status $?"
[ -s "$name" ] || fail "no output"
count=1
finish
