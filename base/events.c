/* Registers the log stages and events once. */
#include <subspan/base/events.h>

PetscLogEvent SpanEventRead, SpanEventWrite, SpanEventCheckpoint, SpanEventEspirit, SpanEventSenseForward,
    SpanEventSenseAdjoint, SpanEventSenseNormal, SpanEventNufftPlan, SpanEventWavelet, SpanEventShrink,
    SpanEventProject, SpanEventBackproject;

PetscLogStage SpanStagePrepare, SpanStageSolve, SpanStageWrite;

PetscErrorCode SpanEventsRegister(void)
{
  static const struct {
    const char *name;
    PetscLogEvent *event;
  } events[] = {{"SpanRead", &SpanEventRead},
                {"SpanWrite", &SpanEventWrite},
                {"SpanCheckpoint", &SpanEventCheckpoint},
                {"SpanEspirit", &SpanEventEspirit},
                {"SpanSenseForw", &SpanEventSenseForward},
                {"SpanSenseAdj", &SpanEventSenseAdjoint},
                {"SpanSenseNormal", &SpanEventSenseNormal},
                {"SpanNufftPlan", &SpanEventNufftPlan},
                {"SpanWavelet", &SpanEventWavelet},
                {"SpanShrink", &SpanEventShrink},
                {"SpanProject", &SpanEventProject},
                {"SpanBackproject", &SpanEventBackproject}};
  PetscClassId id;
  PetscFunctionBeginUser;
  PetscCall(PetscLogStageRegister("Prepare", &SpanStagePrepare));
  PetscCall(PetscLogStageRegister("Solve", &SpanStageSolve));
  PetscCall(PetscLogStageRegister("Write", &SpanStageWrite));
  PetscCall(PetscClassIdRegister("Subspan", &id));
  for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
    PetscCall(PetscLogEventRegister(events[i].name, id, events[i].event));
  PetscFunctionReturn(0);
}
