/* PETSc log events of the costly operations, for --log_view. */
#pragma once
#include <petsclog.h>

extern PetscLogEvent SpanEventRead, SpanEventWrite, SpanEventCheckpoint, SpanEventEspirit, SpanEventSenseForward,
    SpanEventSenseAdjoint, SpanEventSenseNormal, SpanEventNufftPlan, SpanEventWavelet, SpanEventShrink;

PetscErrorCode SpanEventsRegister(void);
