/* A fingerprint of a file, to know it again. */
#pragma once
#include <petscsys.h>

/* Collective: "crc32:XXXXXXXX:BYTES" of the file's contents; each rank reads its share, the result does not depend on
   the number of ranks. Errors (input): cannot be read. */
PetscErrorCode SpanHashFile(MPI_Comm comm, const char path[], char hash[64]);
