/* Everything of the library that must exist before it is used. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/initialize.h>
#include <subspan/base/threads.h>

PetscErrorCode SpanInitialize(void)
{
  PetscFunctionBeginUser;
  PetscCall(SpanErrorHandlerPush());
  PetscCall(SpanEventsRegister());
  PetscCall(SpanThreadsSet());
  PetscFunctionReturn(0);
}
