/* `subspan recon`: reads the options, and gives raw k-space to mri/recon.c, CT projections to ct/recon.c. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/report.h>
#include <subspan/io/projections.h>
#include <subspan/solvers/recon/ct/recon.h>
#include <subspan/solvers/recon/mri/recon.h>
#include <subspan/solvers/recon/recon.h>
#include <string.h>

PetscErrorCode SpanReconCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanReconOptions options;
  SpanReconInputKind kind = SPAN_RECON_UNKNOWN;
  PetscBool stop;
  PetscFunctionBeginUser;
  if (n_inputs > 0) kind = SpanProjectionsIs(inputs[0]) ? SPAN_RECON_PROJECTIONS : SPAN_RECON_SCAN;
  PetscCall(SpanReconOptionsRead(comm, kind, &options, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1, "recon: %d inputs, one scan is needed", n_inputs);
  SpanCheckInput(comm, strcmp(inputs[0], options.output), "%s: input and output are the same file", inputs[0]);
  if (!options.plan) {
    PetscCall(SpanReportCheckPlace(comm, options.output));
    PetscCall(SpanReportCheckPlace(comm, options.json));
    PetscCall(SpanReportCheckPlace(comm, options.nifti));
  }
  if (kind == SPAN_RECON_PROJECTIONS)
    PetscCall(SpanCTReconstruct(comm, inputs[0], &options));
  else
    PetscCall(SpanMRIReconstruct(comm, inputs[0], &options));
  PetscFunctionReturn(0);
}
