/* What a program does once after SlepcInitialize: input errors in one line, log events, threads a rank. */
#pragma once
#include <petscsys.h>

/* Collective on PETSC_COMM_WORLD. */
PetscErrorCode SpanInitialize(void);
