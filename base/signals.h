/* SIGTERM and SIGUSR1 ask a run to stop after its current step, with a checkpoint. */
#pragma once
#include <petscsys.h>

/* The error code of a run that stopped on a signal after its checkpoint was written: exit status 75. */
#define SPAN_STOPPED ((PetscErrorCode)1075)

PetscErrorCode SpanSignalsInstall(void);
/* Whether this rank has been asked to stop. Not collective: agree on it before acting. */
PetscBool SpanSignalsStopRequested(void);
