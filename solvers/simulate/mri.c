/* A multi-coil acquisition made from an image volume:

     k_j = P F (S_j x exp(i phi)) + n_j

   P F: the FFT and a mask, or the NUFFT at the samples of a radial or spiral trajectory; S_j: the field of a circular
   loop coil on a ring around the object, by its distance and direction (a dipole's), scaled to unit root sum of squares
   at the centre; phi: a smooth random phase (a polynomial of second degree); n: complex Gaussian noise, its standard
   deviation (real and imaginary part each) --noise times the volume's maximum. All random numbers are keyed by global
   index, so the scan does not depend on the number of ranks. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/base/options.h>
#include <subspan/base/random.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/io/scan_write.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/nufft.h>
#include <subspan/operators/imaging/sampling.h>
#include <subspan/operators/imaging/trajectory.h>
#include <subspan/solvers/simulate/mri.h>
#include <math.h>
#include <complex.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], slices[PETSC_MAX_PATH_LEN], undersample[PETSC_MAX_PATH_LEN],
      trajectory[PETSC_MAX_PATH_LEN], angles[PETSC_MAX_PATH_LEN];
  PetscInt coils, seed, matrix, spokes, interleaves, samples;
  PetscReal noise, phase, acceleration, center_fraction, turns;
} Options;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL,
       "the scan: fastMRI HDF5, with the coil maps and the true image beside the k-space"},
      {"coils", SPAN_OPTION_INT, &o->coils, 1, 128, NULL, "receive coils on a ring around the object"},
      {"noise", SPAN_OPTION_REAL, &o->noise, 0, 100, NULL,
       "standard deviation of the real and of the imaginary part of a sample, over the volume's maximum"},
      {"phase", SPAN_OPTION_REAL, &o->phase, 0, 100, NULL,
       "strength of the smooth image phase, in radians; 0: a real image"},
      {"slices", SPAN_OPTION_STRING, o->slices, 0, 0, NULL, "FIRST:LAST, the last one excluded"},
      {"matrix", SPAN_OPTION_INT, &o->matrix, 0, 4096, NULL,
       "pad or crop slices to this many rows and columns; 0: the image's own, up to the next even number of factors 2, "
       "3, 5"},
      {"trajectory", SPAN_OPTION_CHOICE, o->trajectory, 0, 0, "cartesian|radial|spiral", "how k-space is sampled"},
      {"spokes", SPAN_OPTION_INT, &o->spokes, 0, 65536, NULL,
       "radial: lines through the centre; 0: pi/2 times the larger side of the matrix, which leaves no gap"},
      {"interleaves", SPAN_OPTION_INT, &o->interleaves, 0, 65536, NULL, "spiral: arms; 0: 16"},
      {"turns", SPAN_OPTION_REAL, &o->turns, 0, 10000, NULL,
       "spiral: of each interleaf about the centre; 0: as many as leave no gap"},
      {"samples", SPAN_OPTION_INT, &o->samples, 0, 1048576, NULL,
       "on each spoke or interleaf; 0: half a cycle per field of view apart"},
      {"angles", SPAN_OPTION_CHOICE, o->angles, 0, 0, "uniform|golden",
       "from one spoke or interleaf to the next: the circle over their number, or the golden angle"},
      {"undersample", SPAN_OPTION_CHOICE, o->undersample, 0, 0, "none|uniform1d|gaussian1d|poisson2d",
       "leave samples out"},
      {"acceleration", SPAN_OPTION_REAL, &o->acceleration, 1, 1000, NULL, "of the undersampling"},
      {"center_fraction", SPAN_OPTION_REAL, &o->center_fraction, 0, 1, NULL,
       "share of the lines, in the centre, that is kept whole"},
      SPAN_MONITOR_OPTION,
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of every random number"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "simulate mri",
      "simulate mri IMAGE -o SCAN.h5 [--option value]...",
      "Makes a multi-coil acquisition from an image volume (NIfTI, HDF5).",
      "  subspan simulate mri HEAD.nii.gz --coils 8 --noise 0.01 --slices 60:92 --seed 1 -o scan.h5\n"
      "  subspan simulate mri HEAD.nii.gz --undersample poisson2d --acceleration 8 -o scan.h5\n"
      "  subspan simulate mri HEAD.nii.gz --trajectory radial --spokes 64 --angles golden -o scan.h5\n"
      "  subspan simulate mri HEAD.nii.gz --trajectory spiral --interleaves 24 -o scan.h5\n",
      table,
      NULL};
  PetscFunctionBeginUser;
  *o = (Options){.trajectory      = "cartesian",
                 .angles          = "uniform",
                 .undersample     = "none",
                 .coils           = 8,
                 .noise           = 0.01,
                 .phase           = 1,
                 .acceleration    = 4,
                 .center_fraction = 0.08};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, o->output[0], "simulate mri: where to? give -o SCAN.h5");
  PetscBool cartesian = (PetscBool)!strcmp(o->trajectory, "cartesian"),
            radial    = (PetscBool)!strcmp(o->trajectory, "radial");
  SpanCheckInput(comm, radial || !o->spokes, "--spokes %" PetscInt_FMT ": is for --trajectory radial, this is %s",
                 o->spokes, o->trajectory);
  SpanCheckInput(comm, (!cartesian && !radial) || (!o->interleaves && o->turns == 0),
                 "--interleaves %" PetscInt_FMT ", --turns %g: are for --trajectory spiral, this is %s", o->interleaves,
                 o->turns, o->trajectory);
  SpanCheckInput(comm, !cartesian || (!o->samples && !strcmp(o->angles, "uniform")),
                 "--samples %" PetscInt_FMT ", --angles %s: are for --trajectory radial and spiral, this is cartesian",
                 o->samples, o->angles);
  SpanCheckInput(comm, cartesian || !strcmp(o->undersample, "none"),
                 "--undersample %s: is for --trajectory cartesian, this is %s, which has --spokes and --interleaves",
                 o->undersample, o->trajectory);
  SpanCheckInput(comm, o->samples != 1, "--samples 1: a spoke or interleaf needs 2");
  PetscFunctionReturn(0);
}

/* The sensitivity of coil j at (y, x) in units of half the field of view, centre at 0. */
static double complex Sensitivity(const Options *o, PetscInt j, double y, double x)
{
  double angle = 2 * M_PI * (double)j / (double)o->coils + 0.2, cy = 1.3 * sin(angle), cx = 1.3 * cos(angle);
  double dy = y - cy, dx = x - cx, distance = dx * dx + dy * dy + 0.16;
  /* B1-: the transverse field of a loop whose axis points to the centre falls off as a dipole's; its phase follows the
     direction to the coil. */
  return cexp(I * (angle + 0.8 * atan2(dy * cx - dx * cy, -(dx * cx + dy * cy)))) / pow(distance, 1.0);
}

static PetscErrorCode Maps(const Options *o, PetscInt ny, PetscInt nx, float complex *maps)
{
  double centre = 0;
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < o->coils; j++) centre += pow(cabs(Sensitivity(o, j, 0, 0)), 2);
  for (PetscInt j = 0; j < o->coils; j++)
    for (PetscInt y = 0; y < ny; y++)
      for (PetscInt x = 0; x < nx; x++)
        maps[(j * ny + y) * nx + x] = (float complex)(
            Sensitivity(o, j, 2. * (double)(y - ny / 2) / (double)ny, 2. * (double)(x - nx / 2) / (double)nx) /
            sqrt(centre));
  PetscFunctionReturn(0);
}

/* Pads or crops (image centre at index n/2 on both sides) and multiplies by the phase. */
static void TruthOf(const Options *o, PetscInt slice, const SpanGrid *from, const float *image, PetscInt ny,
                    PetscInt nx, float complex *truth)
{
  double c[5];
  for (uint64_t i = 0; i < 5; i++)
    c[i] = o->phase * (2 * SpanRandomUniform((uint64_t)o->seed, SPAN_RANDOM_COILS, 0, i) - 1);
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < nx; x++) {
      PetscInt v = y - ny / 2 + from->ny / 2, u = x - nx / 2 + from->nx / 2;
      double a = v >= 0 && v < from->ny && u >= 0 && u < from->nx ? (double)image[v * from->nx + u] : 0;
      double s = 2. * (double)(y - ny / 2) / (double)ny, t = 2. * (double)(x - nx / 2) / (double)nx;
      truth[y * nx + x] = (float complex)(
          a * cexp(I * (c[0] * s + c[1] * t + c[2] * s * s + c[3] * t * t + c[4] * s * t + 0.05 * (double)slice)));
    }
}

/* n samples a coil. */
static void AddNoise(const Options *o, PetscInt slice, PetscInt n, double sigma, const float *mask,
                     float complex *kspace)
{
#pragma omp parallel for
  for (PetscInt i = 0; i < o->coils * n; i++) {
    double normal[2];
    SpanRandomNormal((uint64_t)o->seed, SPAN_RANDOM_NOISE, (uint32_t)slice, (uint64_t)i, normal);
    kspace[i] += (float)(sigma * normal[0]) + I * (float)(sigma * normal[1]);
    if (mask) kspace[i] *= mask[i % n];
  }
}

typedef struct {
  const Options *o;
  SpanGrid image, scan;
  PetscInt first, total; /* slices of the image volume */
  double top;            /* the volume's maximum */
  float *mask;
  float complex *maps;
  PetscInt n_rows, n_samples;
  SpanFFT fft;
  SpanNufft nufft; /* NULL for Cartesian sampling */
  float *trajectory, *density;
} Simulation;

static PetscErrorCode Slice(const Simulation *s, SpanVolumeReader reader, PetscInt index, float complex *kspace,
                            float *reference)
{
  PetscInt ny = s->scan.ny, nx = s->scan.nx, n = ny * nx, m = s->n_rows * s->n_samples;
  float *image;
  float complex *truth, *coil;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(s->image.ny * s->image.nx, &image, n, &truth, n, &coil));
  PetscCall(SpanVolumeRead(reader, s->first + index, 1, image));
  TruthOf(s->o, s->first + index, &s->image, image, ny, nx, truth);
  for (PetscInt i = 0; i < n; i++) reference[i] = cabsf(truth[i]);
  for (PetscInt j = 0; j < s->o->coils; j++) {
    for (PetscInt i = 0; i < n; i++) coil[i] = s->maps[j * n + i] * truth[i];
    if (s->nufft)
      PetscCall(SpanNufftForward(s->nufft, 1, coil, kspace + j * m));
    else
      PetscCall(SpanFFTForward(s->fft, coil, kspace + j * m));
  }
  AddNoise(s->o, s->first + index, m, s->o->noise * s->top, s->mask, kspace);
  PetscCall(PetscFree3(image, truth, coil));
  PetscFunctionReturn(0);
}

/* The maximum over the chosen slices; each rank looks at its share. */
static PetscErrorCode Maximum(MPI_Comm comm, SpanVolumeReader reader, Simulation *s)
{
  int rank, size;
  PetscInt first, count, n = s->image.ny * s->image.nx;
  double most = 0;
  float *image;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  SpanShare(s->total, size, rank, &first, &count);
  PetscCall(PetscMalloc1(n, &image));
  PetscErrorCode ierr = 0;
  for (PetscInt k = 0; k < count && !ierr; k++) {
    ierr = SpanVolumeRead(reader, s->first + first + k, 1, image);
    for (PetscInt i = 0; i < n && !ierr; i++) most = PetscMax(most, (double)image[i]);
  }
  PetscCall(PetscFree(image));
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscCallMPI(MPI_Allreduce(&most, &s->top, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}

/* The smallest even number from n on whose factors are 2, 3 and 5: a size that Fourier transforms are fast at. */
static PetscInt EvenSmooth(PetscInt n)
{
  for (n += n % 2;; n += 2) {
    PetscInt rest = n;
    while (rest % 2 == 0) rest /= 2;
    while (rest % 3 == 0) rest /= 3;
    while (rest % 5 == 0) rest /= 5;
    if (rest == 1) return n;
  }
}

/* Samples of a radial or spiral scan. */
static PetscErrorCode Trajectory(MPI_Comm comm, Simulation *s)
{
  const Options *o        = s->o;
  SpanTrajectoryOptions t = {.type = strcmp(o->trajectory, "radial") ? SPAN_TRAJECTORY_SPIRAL : SPAN_TRAJECTORY_RADIAL,
                             .n_rows    = o->spokes ? o->spokes : o->interleaves,
                             .n_samples = o->samples,
                             .turns     = o->turns,
                             .golden    = (PetscBool)!strcmp(o->angles, "golden")};
  PetscFunctionBeginUser;
  SpanTrajectoryDefaults(s->scan.ny, s->scan.nx, &t);
  SpanCheckInput(comm, (double)t.n_rows * (double)t.n_samples * (double)o->coils < 0x1p30,
                 "--trajectory %s: %" PetscInt_FMT " rows of %" PetscInt_FMT " samples from %" PetscInt_FMT
                 " coils are more than 2^30 numbers a slice",
                 o->trajectory, t.n_rows, t.n_samples, o->coils);
  s->n_rows    = t.n_rows;
  s->n_samples = t.n_samples;
  PetscInt m   = t.n_rows * t.n_samples;
  PetscCall(PetscMalloc2(2 * m, &s->trajectory, m, &s->density));
  PetscCall(SpanTrajectory(&t, s->scan.ny, s->scan.nx, s->trajectory, s->density));
  PetscCall(SpanNufftCreate(s->scan.ny, s->scan.nx, m, s->trajectory, &s->nufft));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetUp(MPI_Comm comm, const char path[], SpanVolumeReader reader, Simulation *s)
{
  const Options *o = s->o;
  PetscFunctionBeginUser;
  s->image = *SpanVolumeReaderGrid(reader);
  PetscCall(SpanOptionsSlices(comm, o->slices, path, s->image.nz, &s->first, &s->total));
  SpanCheckInput(comm, o->matrix == 0 || (o->matrix >= 8 && o->matrix % 2 == 0),
                 "--matrix %" PetscInt_FMT ": must be even and at least 8", o->matrix);
  s->scan    = s->image;
  s->scan.nz = s->total;
  s->scan.ny = o->matrix ? o->matrix : EvenSmooth(s->image.ny);
  s->scan.nx = o->matrix ? o->matrix : EvenSmooth(s->image.nx);
  SpanCheckInput(comm, s->scan.ny >= 8 && s->scan.nx >= 8,
                 "%s: slices of %" PetscInt_FMT " x %" PetscInt_FMT " are too small, at least 8 x 8", path, s->image.ny,
                 s->image.nx);
  double shift[3] = {(double)(s->image.nx / 2 - s->scan.nx / 2) * s->image.spacing[0],
                     (double)(s->image.ny / 2 - s->scan.ny / 2) * s->image.spacing[1],
                     (double)s->first * s->image.spacing[2]};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) s->scan.origin[i] += shift[j] * s->image.direction[3 * i + j];
  PetscInt n = s->scan.ny * s->scan.nx, dims[2] = {s->scan.ny, s->scan.nx};
  s->n_rows    = s->scan.ny;
  s->n_samples = s->scan.nx;
  if (strcmp(o->trajectory, "cartesian"))
    PetscCall(Trajectory(comm, s));
  else
    PetscCall(SpanFFTCreate(2, dims, &s->fft));
  PetscCall(SpanCheckCount(comm, path, "coil maps", (double)o->coils * (double)n));
  PetscCall(PetscMalloc1(o->coils * n, &s->maps));
  PetscCall(Maps(o, s->scan.ny, s->scan.nx, s->maps));
  if (strcmp(o->undersample, "none")) {
    SpanSamplingOptions sampling = {.acceleration    = o->acceleration,
                                    .center_fraction = o->center_fraction,
                                    .offset          = -1,
                                    .seed            = (uint64_t)o->seed};
    PetscCall(SpanSamplingTypeFind(o->undersample, &sampling.type));
    PetscCall(PetscMalloc1(n, &s->mask));
    PetscCall(SpanSamplingMask(&sampling, s->scan.ny, s->scan.nx, s->mask));
  }
  PetscCall(Maximum(comm, reader, s));
  SpanCheckInput(comm, s->top > 0, "%s: nothing above 0 in the chosen slices", path);
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(MPI_Comm comm, const char path[], Simulation *s, SpanVolumeReader reader)
{
  int rank, size;
  PetscInt first, count, most;
  SpanScanWriter writer;
  SpanProgress progress;
  float complex *kspace;
  float *reference;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  SpanShare(s->total, size, rank, &first, &count);
  most = s->total / size + (s->total % size > 0); /* writes are collective: all ranks take as many turns */
  PetscCall(PetscMalloc2(s->o->coils * s->n_rows * s->n_samples, &kspace, s->scan.ny * s->scan.nx, &reference));
  PetscCall(SpanScanWriterCreate(comm, s->o->output, &s->scan, s->o->coils, s->n_rows, s->n_samples, &writer));
  PetscCall(SpanScanWriteShared(writer, s->maps, s->mask));
  if (s->nufft) PetscCall(SpanScanWriteTrajectory(writer, s->trajectory, s->density));
  PetscCall(SpanProgressCreate(comm, "simulate mri", "slices", most, &progress));
  for (PetscInt k = 0; k < most; k++) {
    PetscCall(SpanErrorAgree(comm, k < count ? Slice(s, reader, k + first, kspace, reference) : 0));
    PetscCall(SpanScanWriteSlice(writer, k < count ? first + k : -1, kspace, reference));
    PetscCall(SpanProgressUpdate(progress, k + 1));
  }
  PetscCall(SpanProgressDestroy(&progress));
  PetscCall(SpanScanWriterCommit(&writer, path, s->o->seed));
  PetscCall(PetscFree2(kspace, reference));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSimulateMRI(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  Simulation s = {.o = &o};
  SpanVolumeReader reader;
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(ReadOptions(comm, &o, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1, "simulate mri: %d images, one is needed", n_inputs);
  SpanCheckInput(comm, strcmp(inputs[0], o.output), "%s: input and output are the same file", inputs[0]);
  PetscCall(SpanReportCheckPlace(comm, o.output));
  PetscCall(SpanVolumeReaderOpen(comm, inputs[0], NULL, &reader));
  PetscCall(SetUp(comm, inputs[0], reader, &s));
  PetscCall(Run(comm, inputs[0], &s, reader));
  char acceleration[64] = "";
  if (!s.nufft)
    snprintf(acceleration, sizeof acceleration, ", acceleration %.3g",
             s.mask ? SpanSamplingAcceleration(s.scan.ny * s.scan.nx, s.mask) : 1.);
  PetscCall(PetscPrintf(comm,
                        "%s: %" PetscInt_FMT " slices of %" PetscInt_FMT " x %" PetscInt_FMT ", %" PetscInt_FMT
                        " coils, %s, %" PetscInt_FMT " rows of %" PetscInt_FMT " samples%s, noise %.4g, in %.2f s\n",
                        o.output, s.total, s.scan.ny, s.scan.nx, o.coils, o.trajectory, s.n_rows, s.n_samples,
                        acceleration, o.noise * s.top, SpanReportSeconds()));
  PetscCall(SpanVolumeReaderClose(&reader));
  PetscCall(PetscFree(s.maps));
  PetscCall(PetscFree(s.mask));
  PetscCall(PetscFree2(s.trajectory, s.density));
  PetscCall(SpanFFTDestroy(&s.fft));
  PetscCall(SpanNufftDestroy(&s.nufft));
  PetscFunctionReturn(0);
}
