/* Notes a request to stop; the solver acts on it between two steps. */
#include <subspan/base/signals.h>
#include <signal.h>

static volatile sig_atomic_t stop_requested;

static void Note(int signal_number) { stop_requested = signal_number; }

PetscErrorCode SpanSignalsInstall(void)
{
  struct sigaction action = {.sa_handler = Note, .sa_flags = SA_RESTART};
  PetscFunctionBeginUser;
  sigemptyset(&action.sa_mask);
  PetscCheck(!sigaction(SIGTERM, &action, NULL) && !sigaction(SIGUSR1, &action, NULL), PETSC_COMM_SELF, PETSC_ERR_SYS,
             "cannot install the signal handlers");
  PetscFunctionReturn(0);
}

PetscBool SpanSignalsStopRequested(void) { return (PetscBool)(stop_requested != 0); }
