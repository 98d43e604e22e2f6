/* What the targets share. A target is a function of a file; libFuzzer (preset `fuzz`) or replay.c gives it bytes.

   A reader may refuse a file, in one line that names it. Anything else that is not success ends the program: another
   error, a message without the path or of several lines. Sanitizers see the rest. */
#pragma once
#include <hdf5.h>
#include <petscsys.h>
#include <stddef.h>
#include <stdint.h>

/* Of a target: reads the file, whose name it has; *ierr of the first call that failed. */
PetscErrorCode FuzzRead(const char path[]);
/* Numbers that a target reads at most: fuzzing is about the way there. */
enum { fuzz_most = 1 << 20 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
