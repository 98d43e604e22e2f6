/* PETSc log stages and events of the costly operations, for --log_view. */
#pragma once
#include <petsclog.h>

extern PetscLogEvent SpanEventRead, SpanEventWrite, SpanEventCheckpoint, SpanEventEspirit, SpanEventSenseForward,
    SpanEventSenseAdjoint, SpanEventSenseNormal, SpanEventNufftPlan, SpanEventWavelet, SpanEventShrink,
    SpanEventProject, SpanEventBackproject;

/* Of a run: reading and preparing an item, its solver's steps, comparing and writing the result. */
extern PetscLogStage SpanStagePrepare, SpanStageSolve, SpanStageWrite;

PetscErrorCode SpanEventsRegister(void);
