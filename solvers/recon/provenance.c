/* The attributes of /provenance. */
#include <subspan/base/report.h>
#include <subspan/solvers/recon/provenance.h>

PetscErrorCode SpanReconWriteProvenance(const SpanReconProvenance *p, SpanVolumeWriter writer)
{
  char text[4096];
  double seconds = p->seconds;
  int ranks;
  PetscFunctionBeginUser;
  SpanReportCommand(text, sizeof text);
  PetscCall(SpanVolumeWriteProvenance(writer, "command", text));
  PetscCall(SpanVolumeWriteProvenance(writer, "version", SUBSPAN_VERSION));
  PetscCall(PetscGetVersion(text, sizeof text));
  PetscCall(SpanVolumeWriteProvenance(writer, "petsc", text));
  PetscCall(SpanVolumeWriteProvenance(writer, "input", p->input));
  PetscCall(SpanVolumeWriteProvenance(writer, "input_hash", p->hash));
  PetscCall(SpanVolumeWriteProvenance(writer, "method", p->method));
  PetscCall(PetscSNPrintf(text, sizeof text, "%" PetscInt_FMT, p->seed));
  PetscCall(SpanVolumeWriteProvenance(writer, "seed", text));
  PetscCallMPI(MPI_Comm_size(p->comm, &ranks));
  PetscCall(PetscSNPrintf(text, sizeof text, "%d", ranks));
  PetscCall(SpanVolumeWriteProvenance(writer, "ranks", text));
  PetscCallMPI(MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, p->comm));
  PetscCall(PetscSNPrintf(text, sizeof text, "%.3f", seconds));
  PetscCall(SpanVolumeWriteProvenance(writer, "seconds", text));
  PetscFunctionReturn(0);
}
