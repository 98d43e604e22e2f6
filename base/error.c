/* Input errors in one line, and agreement of all ranks on an error that one of them met. */
#include <subspan/base/error.h>
#include <subspan/base/signals.h>
#include <stdio.h>
#include <string.h>

static char message[2048];

static PetscErrorCode Handler(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode n,
                              PetscErrorType p, const char *text, void *context)
{
  if (n == SPAN_STOPPED) return n;
  if (n != PETSC_ERR_USER_INPUT) return PetscTraceBackErrorHandler(comm, line, function, file, n, p, text, context);
  if (p == PETSC_ERROR_INITIAL) snprintf(message, sizeof message, "%s", text ? text : "");
  return n;
}

PetscErrorCode SpanCheckCount(MPI_Comm comm, const char path[], const char what[], double numbers)
{
  PetscFunctionBeginUser;
  SpanCheckInput(comm, numbers <= (double)PETSC_MAX_INT,
                 "%s: %s: %.0f numbers on a rank, this build counts to %.0f: use more ranks, or build with "
                 "-DSUBSPAN_INDICES=64",
                 path, what, numbers, (double)PETSC_MAX_INT);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanErrorHandlerPush(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPushErrorHandler(Handler, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanErrorHandlerPop(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(0);
}

const char *SpanErrorMessage(void) { return message; }

PetscErrorCode SpanErrorAgree(MPI_Comm comm, PetscErrorCode local)
{
  int rank, size, first;
  int code = (int)local;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  int mine = local ? rank : size;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Bcast(&code, 1, MPI_INT, first, comm));
  char text[sizeof message];
  memcpy(text, message, sizeof text);
  PetscCallMPI(MPI_Bcast(text, sizeof text, MPI_CHAR, first, comm));
  if (code == PETSC_ERR_USER_INPUT) SETERRQ(comm, PETSC_ERR_USER_INPUT, "%s", text);
  SETERRQ(comm, (PetscErrorCode)code, "rank %d failed", first);
}
