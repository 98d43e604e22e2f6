/* Options of CT: their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/solvers/recon/ct/options.h>
#include <string.h>

void SpanCTOptionsDefaults(SpanReconOptions *o)
{
  o->ct = (SpanCTOptions){.filter     = "ramp",
                          .units      = "",
                          .penalty    = "edge",
                          .dimensions = "3d",
                          .least      = -PETSC_MAX_REAL,
                          .most       = PETSC_MAX_REAL,
                          .axis       = PETSC_MAX_REAL};
}

void SpanCTOptionsRows(SpanReconOptions *o, SpanOption *table, int *n)
{
  SpanCTOptions *ct       = &o->ct;
  const SpanOption rows[] = {
      {"method", SPAN_OPTION_CHOICE, o->method, 0, 0, "fbp|fdk|cgls|tikhonov|sirt|tv",
       "how to reconstruct; without it fbp, of a cone fdk"},
      {"scan", SPAN_OPTION_STRING, ct->scan, 0, 0, NULL, "which scan of a file of several"},
      {"filter", SPAN_OPTION_CHOICE, ct->filter, 0, 0, "ramp|hann|shepp-logan", "fbp, fdk: the window of the ramp"},
      {"units", SPAN_OPTION_CHOICE, ct->units, 0, 0, "hu|1/mm",
       "of output, reference and bounds; without it hu where the attenuation of water is known"},
      {"water", SPAN_OPTION_REAL, &ct->water, 0, 1e3, NULL,
       "linear attenuation of water in 1/mm; 0: what the file says"},
      {"size", SPAN_OPTION_INT, &ct->size, 0, 1 << 20, NULL, "voxels along x and y; 0: what the file or detector says"},
      {"voxel", SPAN_OPTION_REAL, &ct->voxel, 0, 1e6, NULL,
       "side of a voxel in mm, of a cone along z too; 0: what the file or detector says"},
      {"axis", SPAN_OPTION_REAL, &ct->axis, -1e6, 1e6, NULL,
       "where the axis of rotation is seen, mm (axis_offset); without it what the file says"},
      {"least", SPAN_OPTION_REAL, &ct->least, -1e30, 1e30, NULL,
       "sirt, tv, pwls: least value of a voxel; without it that of air"},
      {"most", SPAN_OPTION_REAL, &ct->most, -1e30, 1e30, NULL, "sirt, tv, pwls: greatest value; without it none"},
      {"dimensions", SPAN_OPTION_CHOICE, ct->dimensions, 0, 0, "2d|3d",
       "tv, pwls: differences within slices, or along z too"},
      {"penalty", SPAN_OPTION_CHOICE, ct->penalty, 0, 0, "edge|quadratic", "pwls: which spares edges, or not"}};
  SpanReconOptionsAppend(table, n, rows, sizeof rows / sizeof rows[0]);
}

PetscErrorCode SpanCTOptionsCheck(MPI_Comm comm, SpanReconOptions *o)
{
  PetscFunctionBeginUser;
  SpanCheckInput(comm, o->ct.least < o->ct.most, "--least %g is not below --most %g", o->ct.least, o->ct.most);
  PetscFunctionReturn(0);
}
