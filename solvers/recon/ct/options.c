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
                          .axis       = PETSC_MAX_REAL,
                          .every      = 1,
                          .noise      = -1,
                          .ends       = "free",
                          .along_z    = "independent"};
}

void SpanCTOptionsRows(SpanReconOptions *o, SpanOption *table, int *n)
{
  SpanCTOptions *ct       = &o->ct;
  const SpanOption rows[] = {
      {"method", SPAN_OPTION_CHOICE, o->method, 0, 0, "fbp|fdk|cgls|tikhonov|sirt|tv|pwls|dds",
       "how to reconstruct; without it fbp, of a cone fdk"},
      {"scan", SPAN_OPTION_STRING, ct->scan, 0, 0, NULL, "which scan of a file of several"},
      {"every", SPAN_OPTION_INT, &ct->every, 1, 1 << 20, NULL, "take the first of each so many views alone"},
      {"noise", SPAN_OPTION_REAL, &o->noise, 0, 1e30, NULL,
       "standard deviation of a line integral; 0: from the photons counted, or estimated from the lines"},
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
       "sirt, tv, pwls, dds: least value of a voxel; without it that of air"},
      {"most", SPAN_OPTION_REAL, &ct->most, -1e30, 1e30, NULL, "sirt, tv, pwls, dds: greatest value; without it none"},
      {"dimensions", SPAN_OPTION_CHOICE, ct->dimensions, 0, 0, "2d|3d",
       "tv, pwls, dds: differences within slices, or along z too"},
      {"dds_start", SPAN_OPTION_CHOICE, o->sampler.start, 0, 0, "noise|fbp|tv",
       "dds: start from noise alone, or from this method's volume (of a cone fdk's for fbp) with noise of "
       "--dds_sigma_max"},
      {"dds_consistency", SPAN_OPTION_CHOICE, o->sampler.consistency, 0, 0, "noisy|published|noiseless",
       "dds: least squares by the lines' noise, near the estimate, with bounds and total variation; CG on the "
       "published "
       "system with total variation along z; or on A'A x = A'y; --dds_ksp_max_it sets how many iterations of CG"},
      {"dds_average", SPAN_OPTION_REAL, &ct->average, 0, 1, NULL,
       "dds: go on from a running mean of the estimates, in which each has this share; 1: from the last one alone"},
      {"dds_noise", SPAN_OPTION_REAL, &ct->noise, 0, 1, NULL,
       "dds: share of a level's noise that a step adds; without it 0, with several samples or from noise alone 1"},
      {"dds_rho", SPAN_OPTION_REAL, &ct->rho, 0, 1e12, NULL,
       "dds, published: weight of the differences along z in a round of ADMM; 0: no coupling of slices"},
      {"dds_lambda", SPAN_OPTION_REAL, &ct->lambda, 0, 1e12, NULL,
       "dds, published: weight of the total variation along z"},
      {"dds_ends", SPAN_OPTION_CHOICE, ct->ends, 0, 0, "free|periodic",
       "dds, published: whether the last slice borders on the first, as in the published code"},
      {"dds_along_z", SPAN_OPTION_CHOICE, ct->along_z, 0, 0, "independent|shared|sphere",
       "dds: new noise of each slice, the same of all, or between two anchors on a sphere"},
      {"penalty", SPAN_OPTION_CHOICE, ct->penalty, 0, 0, "edge|quadratic", "pwls: which spares edges, or not"}};
  SpanReconOptionsAppend(table, n, rows, sizeof rows / sizeof rows[0]);
}

/* From noise alone the way is longer, and its first estimates are not worth keeping. */
static PetscErrorCode DdsDefaults(SpanReconSamplerOptions *s, SpanCTOptions *ct, PetscInt samples)
{
  PetscFunctionBeginUser;
  if (!s->steps) s->steps = 50;
  if (!s->schedule[0]) PetscCall(PetscStrncpy(s->schedule, "karras", sizeof s->schedule));
  if (!s->start[0]) PetscCall(PetscStrncpy(s->start, "tv", sizeof s->start));
  if (s->sigma_max == 0) s->sigma_max = strcmp(s->start, "noise") ? 0.5 : 1;
  if (s->sigma_min == 0) s->sigma_min = strcmp(s->start, "noise") ? 0.05 : 0.004;
  if (ct->average == 0) ct->average = strcmp(s->start, "noise") ? 0.3 : 1;
  if (ct->noise < 0) ct->noise = strcmp(s->start, "noise") && samples == 1 ? 0 : 1;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTOptionsCheck(MPI_Comm comm, SpanReconOptions *o)
{
  PetscFunctionBeginUser;
  const PetscBool dds        = (PetscBool)!strcmp(o->method, "dds");
  SpanReconSamplerOptions *s = &o->sampler;
  SpanCheckInput(comm, (o->prior[0] != 0) == dds, "--method %s: %s", o->method[0] ? o->method : "fbp",
                 o->prior[0] ? "takes no --prior" : "give --prior MODEL.h5");
  if (dds) PetscCall(DdsDefaults(s, &o->ct, o->samples));
  SpanCheckInput(comm, !dds || (o->iterations == 0 && o->tolerance == 0 && o->strength < 0),
                 "--method dds: its length is --dds_steps; it takes no --iterations, --tolerance or --strength");
  SpanCheckInput(comm, s->sigma_min <= s->sigma_max, "--dds_sigma_min %g is above --dds_sigma_max %g", s->sigma_min,
                 s->sigma_max);
  SpanCheckInput(
      comm, o->ct.rho == 0 || !strcmp(s->consistency, "published"),
      "--dds_rho %g: --dds_consistency %s has no differences along z by ADMM; it couples slices by --dimensions",
      o->ct.rho, s->consistency);
  SpanCheckInput(comm, o->samples == 1 || dds, "--method %s: takes no --samples, its result is not random",
                 o->method[0] ? o->method : "fbp");
  SpanCheckInput(comm, o->ct.least < o->ct.most, "--least %g is not below --most %g", o->ct.least, o->ct.most);
  PetscFunctionReturn(0);
}
