/* The options of `subspan recon`, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/recon/options.h>
#include <string.h>

static const char examples[] =
    "  mpirun -n 2 subspan recon scan.h5 -o out.h5\n"
    "      CG-SENSE of a multi-coil scan with coil maps from its own calibration region\n"
    "  mpirun -n 2 subspan recon scan.h5 --undersample uniform1d --acceleration 4 --method wavelet -o out.h5 --json "
    "out.json\n"
    "      throws away three lines of four, reconstructs, and compares with the reconstruction from all of them\n"
    "  mpirun -n 64 subspan recon study.h5 --method tv --checkpoint run.h5 --resume -o out.h5\n"
    "      goes on from the last checkpoint, if there is one\n"
    "  mpirun -n 64 subspan recon scan.h5 --method dds --prior prior.h5 --samples 8 -o out.h5\n"
    "      draws eight samples of each slice and writes their mean and how much they differ\n";

PetscErrorCode SpanReconOptionsRead(MPI_Comm comm, SpanReconOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the output: HDF5 (VTKHDF and fastMRI-like at once)"},
      {"method", SPAN_OPTION_CHOICE, o->method, 0, 0, "zero_filled|cg|wavelet|tv|dds", "how to reconstruct"},
      {"strength", SPAN_OPTION_REAL, &o->strength, 0, 1e30, NULL,
       "regularisation, in the units of the data; without it, chosen from the data"},
      {"iterations", SPAN_OPTION_INT, &o->iterations, 1, 1e6, NULL,
       "exactly this many steps; without it, until converged"},
      {"tolerance", SPAN_OPTION_REAL, &o->tolerance, 1e-12, 1, NULL,
       "relative change (cg: residual) that ends the iteration"},
      {"prior", SPAN_OPTION_STRING, o->prior, 0, 0, NULL, "dds: the model file of a prior (see train prior)"},
      {"samples", SPAN_OPTION_INT, &o->samples, 1, 10000, NULL,
       "dds: samples of each slice; their mean and standard deviation are the result"},
      {"dds_steps", SPAN_OPTION_INT, &o->dds_steps, 1, 100000, NULL, "dds: evaluations of the prior a slice"},
      {"dds_eta", SPAN_OPTION_REAL, &o->dds_eta, 0, 1, NULL, "dds: share of fresh noise in a step"},
      {"dds_sigma_max", SPAN_OPTION_REAL, &o->dds_sigma_max, 1e-6, 1e6, NULL,
       "dds: first noise level, where 1 is a bright point of an image"},
      {"dds_sigma_min", SPAN_OPTION_REAL, &o->dds_sigma_min, 1e-6, 1e6, NULL, "dds: last noise level"},
      {"undersample", SPAN_OPTION_CHOICE, o->undersample, 0, 0, "none|uniform1d|gaussian1d|poisson2d",
       "keep only these samples"},
      {"acceleration", SPAN_OPTION_REAL, &o->acceleration, 1, 1000, NULL, "of the undersampling"},
      {"center_fraction", SPAN_OPTION_REAL, &o->center_fraction, 0, 1, NULL,
       "share of the lines, in the centre, that is kept whole"},
      {"offset", SPAN_OPTION_INT, &o->offset, -1, 1e6, NULL, "first line of uniform1d; -1: drawn by the seed"},
      {"mask", SPAN_OPTION_STRING, o->mask, 0, 0, NULL,
       "a sampling mask to apply: HDF5 `mask` (ny, nx) or (nx), or BART cfl"},
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of every random number"},
      {"maps", SPAN_OPTION_STRING, o->maps, 0, 0, NULL,
       "coil maps: HDF5 `maps` (slice, [set,] coil, ny, nx), or BART cfl; without it ESPIRiT"},
      {"map_sets", SPAN_OPTION_INT, &o->map_sets, 1, 4, NULL,
       "sets of coil maps; 2 where the field of view is smaller than the object"},
      {"calibration", SPAN_OPTION_INT, &o->calibration, 6, 256, NULL, "largest side of the calibration region"},
      {"kernel", SPAN_OPTION_INT, &o->kernel, 2, 16, NULL, "side of the ESPIRiT kernel"},
      {"crop", SPAN_OPTION_REAL, &o->crop, 0, 1, NULL, "eigenvalue below which a pixel is background"},
      {"slices", SPAN_OPTION_STRING, o->slices, 0, 0, NULL, "FIRST:LAST, the last one excluded"},
      {"reference", SPAN_OPTION_STRING, o->reference, 0, 0, NULL, "an image volume to compare with"},
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the report to this file too"},
      {"nifti", SPAN_OPTION_STRING, o->nifti, 0, 0, NULL, "write the magnitude as NIfTI too (.nii or .nii.gz)"},
      {"checkpoint", SPAN_OPTION_STRING, o->checkpoint, 0, 0, NULL, "write checkpoints to this file"},
      {"checkpoint_interval", SPAN_OPTION_REAL, &o->checkpoint_interval, 0, 1e6, NULL, "seconds between checkpoints"},
      {"resume", SPAN_OPTION_BOOL, &o->resume, 0, 0, NULL, "go on from the checkpoint, if there is one"},
      {"plan", SPAN_OPTION_BOOL, &o->plan, 0, 0, NULL, "print what the run will need, and stop"},
      {"team", SPAN_OPTION_INT, &o->team, 0, 1e6, NULL,
       "ranks that share the coils of a slice; 0: chosen from the work"},
      {"threads", SPAN_OPTION_INT, &o->threads, 0, 1024, NULL,
       "threads a rank; 0: OMP_NUM_THREADS, or the node's cores over its ranks"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const char *const prefixes[] = {"recon_", "dds_", NULL};
  const SpanCommandHelp help   = {
        "recon",
        "recon SCAN -o OUT.h5 [--option value]...",
        "Reconstructs images from raw multi-coil k-space (fastMRI HDF5, ISMRMRD, BART cfl; Cartesian or not).",
        examples,
        table,
        prefixes};
  PetscFunctionBeginUser;
  *o = (SpanReconOptions){.method              = "cg",
                          .undersample         = "none",
                          .acceleration        = 4,
                          .center_fraction     = 0.08,
                          .offset              = -1,
                          .map_sets            = 1,
                          .calibration         = 24,
                          .kernel              = 6,
                          .crop                = 0.8,
                          .strength            = -1,
                          .samples             = 1,
                          .dds_steps           = 50,
                          .dds_eta             = 0.85,
                          .dds_sigma_max       = 1,
                          .dds_sigma_min       = 0.004,
                          .checkpoint_interval = 60};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, o->output[0] || o->plan, "recon: where to? give -o OUT.h5");
  SpanCheckInput(comm, !o->resume || o->checkpoint[0], "--resume: from what? give --checkpoint FILE");
  SpanCheckInput(comm, (o->prior[0] != 0) == !strcmp(o->method, "dds"), "--method %s: %s", o->method,
                 o->prior[0] ? "takes no --prior" : "give --prior MODEL.h5");
  SpanCheckInput(comm, !o->prior[0] || (o->iterations == 0 && o->tolerance == 0 && o->strength < 0),
                 "--method dds: its length is --dds_steps; it takes no --iterations, --tolerance or --strength");
  SpanCheckInput(comm, o->samples == 1 || o->prior[0], "--method %s: takes no --samples, its result is not random",
                 o->method);
  SpanCheckInput(comm, o->dds_sigma_min <= o->dds_sigma_max, "--dds_sigma_min %g is above --dds_sigma_max %g",
                 o->dds_sigma_min, o->dds_sigma_max);
  PetscFunctionReturn(0);
}
