/* `subspan view FILE... -o PICTURE.png`: an image beside its reference and their difference, several files side by
   side, or a montage of a volume's slices; in radiological orientation where it is known. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/io/fields.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/picture.h>
#include <subspan/io/projections.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/metrics.h>
#include <subspan/solvers/view/fields.h>
#include <subspan/solvers/view/orient.h>
#include <subspan/solvers/view/view.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_files = 8, most_slices = 12 };

typedef struct {
  char output[PETSC_MAX_PATH_LEN], reference[PETSC_MAX_PATH_LEN], array[PETSC_MAX_PATH_LEN], scan[PETSC_MAX_PATH_LEN],
      window[PETSC_MAX_PATH_LEN], plane[PETSC_MAX_PATH_LEN], group[PETSC_MAX_PATH_LEN];
  PetscInt slice, sample, columns;
  PetscReal error_scale;
  PetscBool montage;
} Options;

typedef struct {
  SpanGrid grid;
  float *data; /* (nz, ny, nx) */
  PetscBool hu;
} Image;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the picture, a PNG"},
      {"reference", SPAN_OPTION_STRING, o->reference, 0, 0, NULL,
       "a volume to compare with; without it the file's own `reference` or `truth`, if it has one"},
      {"array", SPAN_OPTION_STRING, o->array, 0, 0, NULL,
       "the data set to draw; without it `reconstruction` or what stands for it"},
      {"scan", SPAN_OPTION_STRING, o->scan, 0, 0, NULL, "of projections: which of several"},
      {"plane", SPAN_OPTION_CHOICE, o->plane, 0, 0, "auto|axial|coronal|sagittal|stored",
       "auto: the slices' own plane, turned as radiologists see it (R on the left) if the file says how it lies in the "
       "patient; stored: not turned"},
      {"slice", SPAN_OPTION_INT, &o->slice, -1, 1e6, NULL,
       "the slice to draw, counted along the stored axis; -1: the middle one, or a montage"},
      {"sample", SPAN_OPTION_INT, &o->sample, -1, 1e9, NULL,
       "of a set of fields: the pair to draw; -1: the first ones"},
      {"group", SPAN_OPTION_STRING, o->group, 0, 0, NULL, "of sets of fields: which of several"},
      {"montage", SPAN_OPTION_BOOL, &o->montage, 0, 0, NULL,
       "slices from end to end, evenly chosen (the default for one volume)"},
      {"columns", SPAN_OPTION_INT, &o->columns, 0, 64, NULL, "panels in a row; 0: chosen"},
      {"window", SPAN_OPTION_STRING, o->window, 0, 0, NULL,
       "LOW:HIGH, the values drawn black and white, or in HU lung, soft, brain or bone; without it 0 (HU: -1000) to "
       "the "
       "99.8th percentile"},
      {"error_scale", SPAN_OPTION_REAL, &o->error_scale, 0.01, 1e6, NULL,
       "the error map's brightest is the window's width over this"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "view",
      "view FILE... -o PICTURE.png [--option value]...",
      "Draws image volumes: with a reference also the error map; several files side by side. CT projections are drawn "
      "as sinograms, a slice a detector row; of sets of fields, inputs beside outputs.",
      "  subspan view out.h5 -o out.png\n  subspan view out.h5 --reference reference.h5 --slice 12 -o slice.png\n"
      "  subspan view cg.h5 wavelet.h5 tv.h5 --reference reference.h5 -o methods.png\n  subspan view out.h5 --array "
      "phase -o phase.png\n  subspan view out.h5 --plane coronal -o coronal.png\n",
      table,
      NULL};
  PetscFunctionBeginUser;
  *o = (Options){.slice = -1, .sample = -1, .error_scale = 10, .plane = "auto"};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, o->output[0], "view: where to? give -o PICTURE.png");
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadImage(const char path[], const char array[], const char scan[], Image *image)
{
  SpanVolumeReader reader;
  PetscFunctionBeginUser;
  const PetscBool sinograms = SpanProjectionsIs(path);
  if (sinograms)
    PetscCall(SpanVolumeReaderOpenSinograms(PETSC_COMM_SELF, path, scan, &reader));
  else
    PetscCall(SpanVolumeReaderOpen(PETSC_COMM_SELF, path, array, &reader));
  image->grid = *SpanVolumeReaderGrid(reader);
  /* Few views are drawn as a band that can be seen. */
  if (sinograms) image->grid.spacing[1] = PetscMax(1, 0.3 * (double)image->grid.nx / (double)image->grid.ny);
  if (image->grid.ny == 1 && image->grid.nz > 1) { /* a stack of lines is drawn as one image */
    image->grid.ny         = image->grid.nz;
    image->grid.nz         = 1;
    image->grid.spacing[0] = image->grid.spacing[1] = 1;
  }
  image->hu = (PetscBool)!strcmp(SpanVolumeReaderUnits(reader), "HU");
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, path, "volume",
                           (double)image->grid.nz * (double)image->grid.ny * (double)image->grid.nx));
  PetscCall(PetscMalloc1(image->grid.nz * image->grid.ny * image->grid.nx, &image->data));
  PetscCall(SpanVolumeRead(reader, 0, SpanVolumeReaderGrid(reader)->nz, image->data));
  PetscCall(SpanVolumeReaderClose(&reader));
  PetscFunctionReturn(0);
}

static PetscErrorCode Holds(const char path[], const char array[], PetscBool *has)
{
  hid_t file;
  PetscFunctionBeginUser;
  *has = PETSC_FALSE;
  if (H5Fis_hdf5(path) <= 0) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Open(path, &file));
  *has = SpanHdf5Has(file, array);
  H5Fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode Window(const Options *o, const Image *image, double *low, double *high)
{
  static const struct {
    const char *name;
    double low, high;
  } tissues[] = {{"lung", -1350, 150}, {"soft", -160, 240}, {"brain", 0, 80}, {"bone", -450, 1050}};
  char *end;
  PetscFunctionBeginUser;
  *low       = 0;
  PetscInt n = image->grid.nz * image->grid.ny * image->grid.nx;
  if (!o->window[0]) {
    float least = 0;
    for (PetscInt i = 0; i < n; i++) least = fminf(least, image->data[i]);
    *low = image->hu ? fmax((double)least, -1000) : (double)least;
    PetscCall(SpanPicturePercentile(n, image->data, 0.998, high));
    if (*high <= *low) *high = *low + 1;
    PetscFunctionReturn(0);
  }
  for (size_t i = 0; i < sizeof tissues / sizeof *tissues; i++)
    if (!strcmp(o->window, tissues[i].name)) {
      *low  = tissues[i].low;
      *high = tissues[i].high;
      PetscFunctionReturn(0);
    }
  *low            = strtod(o->window, &end);
  PetscBool colon = (PetscBool)(*end == ':' && end > o->window);
  char *second    = end + 1;
  *high           = colon ? strtod(second, &end) : 0;
  SpanCheckInput(PETSC_COMM_SELF, colon && end > second && !*end && *high > *low,
                 "--window %s: must be LOW:HIGH with LOW < HIGH, or lung, soft, brain, bone", o->window);
  PetscFunctionReturn(0);
}

static const char *BaseName(const char path[]) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

/* What is drawn. */
typedef struct {
  PetscInt n, deviates;                           /* files; the one that has the deviation */
  Image images[most_files], reference, deviation; /* the last two: data NULL if there is none */
} Scene;

typedef struct {
  SpanPanel *panels;
  PetscInt n;
  float *errors[most_files * most_slices];
  PetscInt n_errors;
  SpanViewOrientation orientation;
} Sheet;

static SpanPanel *Add(Sheet *s, const Image *image, PetscInt slice, double low, double high, const char title[])
{
  SpanPanel *p = &s->panels[s->n++];
  *p           = (SpanPanel){.data   = image->data + slice * image->grid.ny * image->grid.nx,
                             .ny     = image->grid.ny,
                             .nx     = image->grid.nx,
                             .low    = low,
                             .high   = high,
                             .width  = image->grid.spacing[0],
                             .height = image->grid.spacing[1]};
  memcpy(p->edges, s->orientation.edges, sizeof p->edges);
  snprintf(p->title, sizeof p->title, "%s", title);
  return p;
}

static void AddHeat(Sheet *s, const Image *image, const float *data, PetscInt slice, double high, const char title[])
{
  SpanPanel *p = Add(s, image, slice, 0, high, title);
  p->data      = data;
  p->colors    = SPAN_COLORS_HEAT;
  p->bar       = PETSC_TRUE;
}

/* Figures from 0 for air up: HU are shifted, as in `compare`. */
static PetscErrorCode Figures(const Image *image, const Image *reference, PetscInt slice, char caption[], size_t size)
{
  const PetscInt n  = image->grid.ny * image->grid.nx;
  const float shift = reference->hu ? 1000 : 0;
  float most        = 0, *a, *b;
  SpanMetricsPart part;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &a, n, &b));
  for (PetscInt i = 0; i < n; i++) a[i] = image->data[slice * n + i] + shift;
  for (PetscInt i = 0; i < n; i++) b[i] = reference->data[slice * n + i] + shift;
  for (PetscInt i = 0; i < n * reference->grid.nz; i++) most = fmaxf(most, reference->data[i] + shift);
  PetscErrorCode ierr = SpanMetricsSlice(image->grid.ny, image->grid.nx, a, b, (double)most, &part);
  PetscCall(PetscFree2(a, b));
  PetscCall(ierr);
  SpanMetrics m = SpanMetricsVolume(1, n, &part, (double)most);
  snprintf(caption, size, "PSNR %.2f dB, SSIM %.4f, NRMSE %.4f", m.psnr, m.ssim, m.nrmse);
  PetscFunctionReturn(0);
}

static PetscErrorCode AddError(Sheet *s, const Options *o, const Image *image, const Image *reference, PetscInt slice,
                               double width, const char title[])
{
  PetscInt n = image->grid.ny * image->grid.nx;
  float *error;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &error));
  s->errors[s->n_errors++] = error;
  const float *a = image->data + slice * n, *b = reference->data + slice * n;
  for (PetscInt i = 0; i < n; i++) error[i] = fabsf(a[i] - b[i]);
  AddHeat(s, image, error, slice, width / o->error_scale, title);
  PetscCall(Figures(image, reference, slice, s->panels[s->n - 1].caption, sizeof s->panels->caption));
  PetscFunctionReturn(0);
}

/* Every file at one slice, then the reference, then every file's error below it, and below the reference the standard
   deviation of samples, if a file has it. */
static PetscErrorCode SideBySide(Sheet *s, const Options *o, const char *const names[], const Scene *scene,
                                 PetscInt slice, double low, double high, PetscInt *columns)
{
  const Image *images = scene->images, *reference = &scene->reference, *deviation = &scene->deviation;
  const PetscInt n = scene->n;
  char title[128];
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) Add(s, &images[i], slice, low, high, BaseName(names[i]));
  if (reference->data) {
    Add(s, reference, slice, low, high, "reference");
    for (PetscInt i = 0; i < n; i++) {
      snprintf(title, sizeof title, "error of %.110s", BaseName(names[i]));
      PetscCall(AddError(s, o, &images[i], reference, slice, high - low, title));
    }
  }
  if (deviation->data) {
    snprintf(title, sizeof title, "deviation of %.110s", BaseName(names[scene->deviates]));
    AddHeat(s, deviation, deviation->data + slice * deviation->grid.ny * deviation->grid.nx, slice,
            (high - low) / o->error_scale, title);
  }
  *columns = n == 1 ? s->n : n + (reference->data ? 1 : 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode Montage(Sheet *s, const Options *o, const Image *image, const Image *reference, double low,
                              double high, PetscInt *columns)
{
  PetscInt nz = image->grid.nz, n = PetscMin(nz, reference->data ? 6 : most_slices);
  char title[128];
  PetscFunctionBeginUser;
  for (int row = 0; row < (reference->data ? 3 : 1); row++)
    for (PetscInt i = 0; i < n; i++) {
      PetscInt slice = n == nz ? i : (2 * i + 1) * nz / (2 * n);
      snprintf(title, sizeof title, "%sslice %lld",
               row == 1   ? "reference, "
               : row == 2 ? "error, "
                          : "",
               (long long)slice);
      if (row == 2)
        PetscCall(AddError(s, o, image, reference, slice, high - low, title));
      else
        Add(s, row ? reference : image, slice, low, high, title);
    }
  *columns = reference->data ? n : PetscMin(n, 4);
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckSame(const char path[], const SpanGrid *a, const char other[], const SpanGrid *b)
{
  SpanViewOrientation first, second;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, a->nz == b->nz && a->ny == b->ny && a->nx == b->nx,
                 "%s is %lld x %lld x %lld, %s is %lld x %lld x %lld", path, (long long)a->nz, (long long)a->ny,
                 (long long)a->nx, other, (long long)b->nz, (long long)b->ny, (long long)b->nx);
  if (!a->known || !b->known) PetscFunctionReturn(0);
  PetscCall(SpanViewOrient(path, a, "axial", &first));
  PetscCall(SpanViewOrient(other, b, "axial", &second));
  SpanCheckInput(PETSC_COMM_SELF,
                 !memcmp(first.axis, second.axis, sizeof first.axis) &&
                     !memcmp(first.flip, second.flip, sizeof first.flip),
                 "%s and %s: their rows, columns and slices lie differently in the patient", path, other);
  PetscFunctionReturn(0);
}

/* Reads all images and the reference, and turns them as the first that knows its orientation wants it. */
static PetscErrorCode Load(const Options *o, const char *const inputs[], Scene *scene, SpanViewOrientation *orientation)
{
  Image *images = scene->images, *reference = &scene->reference;
  const PetscInt n = scene->n;
  const char *own  = NULL;
  PetscBool has, deviates;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(ReadImage(inputs[i], o->array[0] ? o->array : NULL, o->scan, &images[i]));
    PetscCall(CheckSame(inputs[0], &images[0].grid, inputs[i], &images[i].grid));
  }
  for (int k = 0; k < 2 && !own && !o->array[0] && !o->reference[0]; k++) {
    const char *const names[2] = {"reference", "truth"};
    PetscCall(Holds(inputs[0], names[k], &has));
    if (has) own = names[k];
  }
  for (PetscInt i = n - 1; i >= 0 && !o->array[0] && !scene->deviation.data; i--) {
    PetscCall(Holds(inputs[i], "deviation", &deviates));
    if (deviates) PetscCall(ReadImage(inputs[i], "deviation", "", &scene->deviation));
    scene->deviates = i;
  }
  if (o->reference[0])
    PetscCall(ReadImage(o->reference, NULL, o->scan, reference));
  else if (own)
    PetscCall(ReadImage(inputs[0], own, "", reference));
  if (reference->data)
    PetscCall(CheckSame(inputs[0], &images[0].grid, own ? inputs[0] : o->reference, &reference->grid));
  const SpanGrid *known = &images[0].grid;
  for (PetscInt i = 0; i <= n; i++) {
    const SpanGrid *g = i < n ? &images[i].grid : &reference->grid;
    if (!known->known && g->known) known = g;
  }
  PetscCall(SpanViewOrient(inputs[0], known, o->plane, orientation));
  for (PetscInt i = 0; i < n; i++) PetscCall(SpanViewTurn(orientation, &images[i].grid, &images[i].data));
  if (reference->data) PetscCall(SpanViewTurn(orientation, &reference->grid, &reference->data));
  if (scene->deviation.data) PetscCall(SpanViewTurn(orientation, &scene->deviation.grid, &scene->deviation.data));
  PetscFunctionReturn(0);
}

static PetscErrorCode Draw(const Options *o, const char *const inputs[], PetscInt n)
{
  Scene scene      = {.n = n};
  Sheet sheet      = {0};
  PetscInt columns = 1;
  double low, high;
  PetscFunctionBeginUser;
  PetscCall(Load(o, inputs, &scene, &sheet.orientation));
  const Image *first = &scene.images[0], *reference = &scene.reference;
  const SpanGrid *a = &first->grid;
  SpanCheckInput(PETSC_COMM_SELF, o->slice < a->nz, "--slice %lld: %s has %lld", (long long)o->slice, inputs[0],
                 (long long)a->nz);
  PetscCall(Window(o, reference->data ? reference : first, &low, &high));
  PetscCall(PetscCalloc1(3 * most_files + 3 * most_slices, &sheet.panels));
  if (n == 1 && a->nz > 1 && o->slice < 0)
    PetscCall(Montage(&sheet, o, first, reference, low, high, &columns));
  else
    PetscCall(SideBySide(&sheet, o, inputs, &scene, o->slice < 0 ? a->nz / 2 : o->slice, low, high, &columns));
  PetscCall(SpanPictureWrite(o->output, sheet.n, sheet.panels, o->columns ? o->columns : columns));
  for (PetscInt i = 0; i < n; i++) PetscCall(PetscFree(scene.images[i].data));
  for (PetscInt i = 0; i < sheet.n_errors; i++) PetscCall(PetscFree(sheet.errors[i]));
  PetscCall(PetscFree(scene.reference.data));
  PetscCall(PetscFree(scene.deviation.data));
  PetscCall(PetscFree(sheet.panels));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanViewCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  PetscBool stop;
  int rank;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(ReadOptions(comm, &o, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs >= 1 && n_inputs <= most_files, "view: %d inputs, 1 to %d files can be drawn", n_inputs,
                 most_files);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0)
    ierr = SpanFieldsDetect(inputs[0]) ? SpanViewFields(inputs[0], o.group, o.sample, o.output)
                                       : Draw(&o, inputs, n_inputs);
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscFunctionReturn(0);
}
