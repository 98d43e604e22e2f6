/* The options of `subspan recon`, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/progress.h>
#include <subspan/solvers/recon/ct/options.h>
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
    "      draws eight samples of each slice and writes their mean and how much they differ\n"
    "  mpirun -n 2 subspan recon projections.h5 --method tv -o out.h5\n"
    "      a CT volume from few views by total variation\n";

/* What the options of all methods with a prior are without a word of the user. dds's were chosen on training images
   (docs/benchmarks.md), the others' are their papers'; levels
   are in units of the prior's data. */
typedef struct {
  const char *method;
  PetscInt steps;
  const char *schedule, *start;
  double sigma_max, sigma_min; /* sigma_min 0: the noise of the data */
} SamplerDefaults;

static const SamplerDefaults sampler_defaults[] = {{"dds", 50, "karras", "wavelet", 0.3, 0.004},
                                                   {"diffpir", 100, "karras", "noise", 1, 0.004},
                                                   {"pnp", 24, "geometric", "cg", 49. / 255, 0},
                                                   {"annealed", 1000, "geometric", "noise", 1, 0.004},
                                                   {"dps", 1000, "karras", "noise", 1, 0.004}};

/* NULL for a method without a prior. */
static const SamplerDefaults *FindDefaults(const char method[])
{
  for (size_t i = 0; i < sizeof sampler_defaults / sizeof sampler_defaults[0]; i++)
    if (!strcmp(sampler_defaults[i].method, method)) return &sampler_defaults[i];
  return NULL;
}

static PetscErrorCode ApplyDefaults(const SamplerDefaults *d, SpanReconSamplerOptions *s)
{
  PetscFunctionBeginUser;
  if (!s->steps) s->steps = d->steps;
  if (!s->schedule[0]) PetscCall(PetscStrncpy(s->schedule, d->schedule, sizeof s->schedule));
  /* A variance-preserving chain has its own start and levels; from noise alone the way is longer. */
  const char *start = strncmp(s->schedule, "vp", 2) ? d->start : "noise";
  if (!s->start[0]) PetscCall(PetscStrncpy(s->start, start, sizeof s->start));
  if (s->sigma_max == 0) s->sigma_max = strcmp(s->start, "noise") ? d->sigma_max : 1;
  if (s->sigma_min == 0) s->sigma_min = d->sigma_min;
  PetscFunctionReturn(0);
}

void SpanReconOptionsAppend(SpanOption *table, int *n, const SpanOption *rows, int n_rows)
{
  for (int i = 0; i < n_rows && *n < span_recon_max_options; i++) table[(*n)++] = rows[i];
}

/* Of every kind of input. */
static void Common(SpanReconOptions *o, SpanOption *table, int *n)
{
  const SpanOption rows[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the output: HDF5 (VTKHDF and fastMRI-like at once)"},
      {"strength", SPAN_OPTION_REAL, &o->strength, 0, 1e30, NULL,
       "regularisation, in the units of the data; without it, chosen from the data"},
      {"iterations", SPAN_OPTION_INT, &o->iterations, 1, 1e6, NULL,
       "exactly this many steps; without it, until converged"},
      {"tolerance", SPAN_OPTION_REAL, &o->tolerance, 1e-12, 1, NULL,
       "relative change (cg: residual) that ends the iteration"},
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of every random number"},
      {"slices", SPAN_OPTION_STRING, o->slices, 0, 0, NULL, "FIRST:LAST, the last one excluded"},
      {"reference", SPAN_OPTION_STRING, o->reference, 0, 0, NULL, "an image volume to compare with"},
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the report to this file too"},
      {"nifti", SPAN_OPTION_STRING, o->nifti, 0, 0, NULL, "write the magnitude as NIfTI too (.nii or .nii.gz)"},
      SPAN_MONITOR_OPTION,
      {"checkpoint", SPAN_OPTION_STRING, o->checkpoint, 0, 0, NULL, "write checkpoints to this file"},
      {"checkpoint_interval", SPAN_OPTION_REAL, &o->checkpoint_interval, 0, 1e6, NULL, "seconds between checkpoints"},
      {"resume", SPAN_OPTION_BOOL, &o->resume, 0, 0, NULL, "go on from the checkpoint, if there is one"},
      {"plan", SPAN_OPTION_BOOL, &o->plan, 0, 0, NULL, "print what the run will need, and stop"},
      {"threads", SPAN_OPTION_INT, &o->threads, 0, 1024, NULL,
       "threads a rank; 0: OMP_NUM_THREADS, or the node's cores over its ranks"}};
  SpanReconOptionsAppend(table, n, rows, sizeof rows / sizeof rows[0]);
}

/* Of the methods with a prior. */
static void Prior(SpanReconOptions *o, SpanOption *table, int *n)
{
  const SpanOption rows[] = {
      {"prior", SPAN_OPTION_STRING, o->prior, 0, 0, NULL,
       "dds, diffpir, pnp, annealed, dps: the model file of a prior (see train prior)"},
      {"type", SPAN_OPTION_CHOICE, o->type, 0, 0, "float32|bfloat16", "of the prior's activations"},
      {"dds_steps", SPAN_OPTION_INT, &o->sampler.steps, 1, 100000, NULL,
       "with a prior: steps a slice; without it, the method's: dds 50, diffpir 100, pnp 24, annealed and dps 1000"},
      {"dds_eta", SPAN_OPTION_REAL, &o->sampler.eta, 0, 1, NULL, "dds: share of fresh noise in a step"},
      {"dds_schedule", SPAN_OPTION_CHOICE, o->sampler.schedule, 0, 0, "karras|geometric|vp_linear|vp_cosine",
       "with a prior: spacing of the noise levels (variance exploding), or the variance-preserving chain of this name; "
       "without it, the method's: karras, pnp and annealed geometric"},
      {"dds_sigma_max", SPAN_OPTION_REAL, &o->sampler.sigma_max, 1e-6, 1e6, NULL,
       "with a prior: first noise level, where 1 is a bright point of an image; VP schedules have their own; without "
       "it 1 from noise alone, and the method's from an image: dds 0.3, pnp 0.192"},
      {"dds_sigma_min", SPAN_OPTION_REAL, &o->sampler.sigma_min, 1e-6, 1e6, NULL,
       "with a prior: last noise level; without it, the method's: 0.004, pnp the noise of the data"},
      {"samples", SPAN_OPTION_INT, &o->samples, 1, 10000, NULL,
       "dds: samples of each slice; their mean and standard deviation are the result"},
      {"dds_weight", SPAN_OPTION_REAL, &o->sampler.weight, 0, 1e12, NULL,
       "dds: the weight g of noisy data; 0: from the noise, by noise level"}};
  SpanReconOptionsAppend(table, n, rows, sizeof rows / sizeof rows[0]);
}

/* Of the methods with a prior of k-space. */
static void ScanPrior(SpanReconOptions *o, SpanOption *table, int *n)
{
  const SpanOption rows[] = {
      {"dds_start", SPAN_OPTION_CHOICE, o->sampler.start, 0, 0, "noise|zero_filled|cg|wavelet|tv",
       "with a prior: start from noise alone, or from this method's image with noise of --dds_sigma_max; without it, "
       "the method's: dds wavelet, pnp cg (to which it adds no noise), else noise"},
      {"dds_consistency", SPAN_OPTION_CHOICE, o->sampler.consistency, 0, 0, "noisy|noiseless",
       "dds: CG on (I + g A'A) x = x0 + g A'y, or on A'A x = A'y; --dds_ksp_max_it sets how many iterations (20)"},
      {"diffpir_lambda", SPAN_OPTION_REAL, &o->sampler.diffpir_lambda, 1e-6, 1e6, NULL,
       "diffpir: weight of the prior's estimate beside the data, rho = lambda (noise / level)^2"},
      {"diffpir_zeta", SPAN_OPTION_REAL, &o->sampler.diffpir_zeta, 0, 1, NULL,
       "diffpir: share of fresh noise in a step's variance"},
      {"pnp_lambda", SPAN_OPTION_REAL, &o->sampler.pnp_lambda, 1e-6, 1e6, NULL,
       "pnp: weight of the prior's image beside the data, alpha = lambda (noise / level)^2"},
      {"annealed_snr", SPAN_OPTION_REAL, &o->sampler.annealed_snr, 0, 10, NULL,
       "annealed: signal-to-noise ratio r of the corrector's steps"},
      {"annealed_lambda", SPAN_OPTION_REAL, &o->sampler.annealed_lambda, 0, 2, NULL,
       "annealed: length of the steps towards the data, over the norm of A'A"},
      {"dps_step", SPAN_OPTION_REAL, &o->sampler.dps_step, 0, 1e6, NULL,
       "dps: step along the gradient of |y - A x0|^2, over |y - A x0|; each evaluation has a backward pass as well"}};
  SpanReconOptionsAppend(table, n, rows, sizeof rows / sizeof rows[0]);
}

/* Of k-space. */
static void Scan(SpanReconOptions *o, SpanOption *table, int *n)
{
  const SpanOption rows[] = {
      {"method", SPAN_OPTION_CHOICE, o->method, 0, 0, "zero_filled|cg|wavelet|tv|dds|diffpir|pnp|annealed|dps",
       "how to reconstruct"},
      {"noise", SPAN_OPTION_REAL, &o->noise, 0, 1e30, NULL,
       "standard deviation of a sample's real part, in the units of the data; 0: estimated from the data"},
      {"undersample", SPAN_OPTION_CHOICE, o->undersample, 0, 0, "none|uniform1d|gaussian1d|poisson2d",
       "keep only these samples"},
      {"acceleration", SPAN_OPTION_REAL, &o->acceleration, 1, 1000, NULL, "of the undersampling"},
      {"center_fraction", SPAN_OPTION_REAL, &o->center_fraction, 0, 1, NULL,
       "share of the lines, in the centre, that is kept whole"},
      {"offset", SPAN_OPTION_INT, &o->offset, -1, 1e6, NULL, "first line of uniform1d; -1: drawn by the seed"},
      {"mask", SPAN_OPTION_STRING, o->mask, 0, 0, NULL,
       "a sampling mask to apply: HDF5 `mask` (ny, nx) or (nx), or BART cfl"},
      {"maps", SPAN_OPTION_STRING, o->maps, 0, 0, NULL,
       "coil maps: HDF5 `maps` (slice, [set,] coil, ny, nx), or BART cfl; without it ESPIRiT"},
      {"map_sets", SPAN_OPTION_INT, &o->map_sets, 1, 4, NULL,
       "sets of coil maps; 2 where the field of view is smaller than the object"},
      {"calibration", SPAN_OPTION_INT, &o->calibration, 6, 256, NULL, "largest side of the calibration region"},
      {"kernel", SPAN_OPTION_INT, &o->kernel, 2, 16, NULL, "side of the ESPIRiT kernel"},
      {"crop", SPAN_OPTION_REAL, &o->crop, 0, 1, NULL, "eigenvalue below which a pixel is background"},
      {"team", SPAN_OPTION_INT, &o->team, 0, 1e6, NULL,
       "ranks that share the coils of a slice; 0: chosen from the work"}};
  SpanReconOptionsAppend(table, n, rows, sizeof rows / sizeof rows[0]);
}

static void Table(SpanReconInputKind kind, SpanReconOptions *o, SpanOption *table)
{
  static const SpanOption scan        = {.name = "", .type = SPAN_OPTION_HEADING, .help = "of k-space alone"};
  static const SpanOption projections = {.name = "", .type = SPAN_OPTION_HEADING, .help = "of CT projections alone"};
  int n                               = 0;
  Common(o, table, &n);
  Prior(o, table, &n);
  if (kind != SPAN_RECON_PROJECTIONS) {
    SpanReconOptionsAppend(table, &n, &scan, 1);
    Scan(o, table, &n);
    ScanPrior(o, table, &n);
  }
  if (kind != SPAN_RECON_SCAN) {
    SpanReconOptionsAppend(table, &n, &projections, 1);
    SpanCTOptionsRows(o, table, &n);
  }
  table[n] = (SpanOption){.name = NULL};
}

/* Of k-space. */
static PetscErrorCode CheckScan(MPI_Comm comm, SpanReconOptions *o)
{
  PetscFunctionBeginUser;
  const SamplerDefaults *defaults = FindDefaults(o->method);
  SpanCheckInput(comm, (o->prior[0] != 0) == (defaults != NULL), "--method %s: %s", o->method,
                 o->prior[0] ? "takes no --prior" : "give --prior MODEL.h5");
  if (defaults) PetscCall(ApplyDefaults(defaults, &o->sampler));
  SpanCheckInput(comm, !o->prior[0] || (o->iterations == 0 && o->tolerance == 0 && o->strength < 0),
                 "--method %s: its length is --dds_steps; it takes no --iterations, --tolerance or --strength",
                 o->method);
  SpanCheckInput(comm, o->sampler.sigma_min <= o->sampler.sigma_max, "--dds_sigma_min %g is above --dds_sigma_max %g",
                 o->sampler.sigma_min, o->sampler.sigma_max);
  SpanCheckInput(comm, o->samples == 1 || o->prior[0], "--method %s: takes no --samples, its result is not random",
                 o->method);
  PetscFunctionReturn(0);
}
PetscErrorCode SpanReconOptionsRead(MPI_Comm comm, SpanReconInputKind kind, SpanReconOptions *o, PetscBool *stop)
{
  SpanOption table[span_recon_max_options + 1];
  const char *const prefixes[] = {"recon_", "dds_", "diffpir_", "pnp_", NULL};
  const SpanCommandHelp help   = {
        kind == SPAN_RECON_PROJECTIONS ? "recon PROJECTIONS" : "recon",
      "recon DATA -o OUT.h5 [--option value]...",
      "Reconstructs images from raw multi-coil k-space (fastMRI HDF5, ISMRMRD, BART cfl; Cartesian or not), and "
      "volumes\n"
      "from CT projections (Data Exchange HDF5, Helsinki challenge, Subspan's own; parallel, fan and cone beams).",
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
                          .type                = "float32",
                          .sampler             = {.consistency     = "noisy",
                                                  .eta             = 1,
                                                  .diffpir_lambda  = 1,
                                                  .diffpir_zeta    = 0.3,
                                                  .pnp_lambda      = 0.23,
                                                  .annealed_snr    = 0.16,
                                                  .annealed_lambda = 1,
                                                  .dps_step        = 1},
                          .checkpoint_interval = 60};
  SpanCTOptionsDefaults(o);
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", stop));
  Table(kind == SPAN_RECON_UNKNOWN && !*stop ? SPAN_RECON_SCAN : kind, o, table);
  if (kind == SPAN_RECON_PROJECTIONS) o->method[0] = 0;
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, o->output[0] || o->plan, "recon: where to? give -o OUT.h5");
  SpanCheckInput(comm, !o->resume || o->checkpoint[0], "--resume: from what? give --checkpoint FILE");
  PetscCall(kind == SPAN_RECON_PROJECTIONS ? SpanCTOptionsCheck(comm, o) : CheckScan(comm, o));
  PetscFunctionReturn(0);
}
