/* ISMRMRD raw data (Inati et al., MRM 77:411, 2017) through libismrmrd.

   The headers of all acquisitions are indexed once, on rank 0; each rank then reads the acquisitions of its own slices.
   Noise, navigator, phase-correction and calibration-only acquisitions are left out, averages and repetitions are
   averaged, reversed readouts turned. Readouts are placed by their centre sample, so an asymmetric echo leaves its
   missing samples unmeasured; the readout's oversampling is removed by transforming it, keeping the reconstructed
   field of view, and transforming back. In a 3D scan the readout stays transformed: its positions are the slices, their
   rows the second and their columns the first phase encoding. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/ismrmrd_header.h>
#include <subspan/io/scan_private.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/plans.h>
#include <hdf5.h>
#include <ismrmrd/dataset.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint32_t at; /* in the file */
  uint16_t step1, step2, slice, samples, centre, discard_pre, discard_post, reversed, channels, dimensions;
  float position[3], read_dir[3], phase_dir[3], slice_dir[3];
} Line;

typedef struct {
  ISMRMRD_Dataset dataset;
  PetscBool open;
  SpanIsmrmrdHeader header;
  Line *lines;
  PetscInt n_lines;
  PetscInt readout, kept; /* samples of the encoded readout, and of its kept part */
  PetscInt start;         /* of the kept part */
  float complex *volume;  /* 3D: (kept, coil, step2, step1) */
} Ismrmrd;

static void Silent(const char *file, int line, const char *function, int code, const char *message) {}

static PetscErrorCode Detect(const char path[], PetscBool *yes)
{
  PetscFunctionBeginUser;
  *yes = SpanHdf5Detect(path, "dataset");
  PetscFunctionReturn(0);
}

static PetscBool LeftOut(uint64_t flags)
{
  const int skipped[] = {ISMRMRD_ACQ_IS_NOISE_MEASUREMENT,
                         ISMRMRD_ACQ_IS_PARALLEL_CALIBRATION,
                         ISMRMRD_ACQ_IS_NAVIGATION_DATA,
                         ISMRMRD_ACQ_IS_PHASECORR_DATA,
                         ISMRMRD_ACQ_IS_HPFEEDBACK_DATA,
                         ISMRMRD_ACQ_IS_DUMMYSCAN_DATA,
                         ISMRMRD_ACQ_IS_RTFEEDBACK_DATA,
                         ISMRMRD_ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
                         ISMRMRD_ACQ_IS_PHASE_STABILIZATION_REFERENCE,
                         ISMRMRD_ACQ_IS_PHASE_STABILIZATION};
  for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++)
    if (flags & ((uint64_t)1 << (skipped[i] - 1))) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode CheckLine(const char path[], uint32_t at, const ISMRMRD_AcquisitionHeader *h)
{
  PetscFunctionBeginUser;
  SpanCheckInput(
      PETSC_COMM_SELF, h->idx.contrast == 0 && h->idx.phase == 0 && h->idx.set == 0,
      "%s: acquisition %u is of contrast %d, phase %d, set %d; files with one of each can be read: split it first",
      path, at, h->idx.contrast, h->idx.phase, h->idx.set);
  SpanCheckInput(PETSC_COMM_SELF, h->number_of_samples > h->discard_pre + h->discard_post && h->active_channels > 0,
                 "%s: acquisition %u has %d samples (%d to discard) and %d channels", path, at, h->number_of_samples,
                 h->discard_pre + h->discard_post, h->active_channels);
  PetscFunctionReturn(0);
}

/* Rank 0: reads all acquisition headers. */
static PetscErrorCode Index(SpanScan scan)
{
  Ismrmrd *d = scan->data;
  ISMRMRD_Acquisition a;
  PetscFunctionBeginUser;
  uint32_t n = ismrmrd_get_number_of_acquisitions(&d->dataset);
  SpanCheckInput(PETSC_COMM_SELF, n > 0 && n < (1u << 28), "%s: %u acquisitions in `dataset/data`", scan->info.path, n);
  d->lines = calloc(n, sizeof *d->lines);
  PetscCheck(d->lines, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the index of %u acquisitions", n);
  for (uint32_t i = 0; i < n; i++) {
    ismrmrd_init_acquisition(&a);
    int bad = ismrmrd_read_acquisition(&d->dataset, i, &a);
    SpanCheckInput(PETSC_COMM_SELF, !bad, "%s: acquisition %u cannot be read", scan->info.path, i);
    ISMRMRD_AcquisitionHeader h = a.head;
    ismrmrd_cleanup_acquisition(&a);
    if (LeftOut(h.flags)) continue;
    PetscCall(CheckLine(scan->info.path, i, &h));
    Line *l = &d->lines[d->n_lines++];
    *l      = (Line){.at           = i,
                     .step1        = h.idx.kspace_encode_step_1,
                     .step2        = h.idx.kspace_encode_step_2,
                     .slice        = h.idx.slice,
                     .samples      = h.number_of_samples,
                     .centre       = h.center_sample,
                     .discard_pre  = h.discard_pre,
                     .discard_post = h.discard_post,
                     .channels     = h.active_channels,
                     .reversed     = (h.flags >> (ISMRMRD_ACQ_IS_REVERSE - 1)) & 1,
                     .dimensions   = h.trajectory_dimensions};
    memcpy(l->position, h.position, sizeof h.position);
    memcpy(l->read_dir, h.read_dir, sizeof h.read_dir);
    memcpy(l->phase_dir, h.phase_dir, sizeof h.phase_dir);
    memcpy(l->slice_dir, h.slice_dir, sizeof h.slice_dir);
  }
  SpanCheckInput(PETSC_COMM_SELF, d->n_lines > 0, "%s: none of its %u acquisitions is an image line", scan->info.path,
                 n);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenDataset(SpanScan scan)
{
  Ismrmrd *d       = scan->data;
  char reason[256] = "";
  PetscFunctionBeginUser;
  ismrmrd_set_error_handler(Silent);
  SpanCheckInput(PETSC_COMM_SELF,
                 !ismrmrd_init_dataset(&d->dataset, scan->info.path, "dataset") &&
                     !ismrmrd_open_dataset(&d->dataset, 0),
                 "%s: `dataset` cannot be opened as ISMRMRD", scan->info.path);
  d->open   = PETSC_TRUE;
  char *xml = ismrmrd_read_header(&d->dataset);
  SpanCheckInput(PETSC_COMM_SELF, xml, "%s: `dataset/xml` is missing", scan->info.path);
  int bad = SpanIsmrmrdHeaderParse(xml, &d->header, reason, sizeof reason);
  free(xml);
  SpanCheckInput(PETSC_COMM_SELF, !bad, "%s: `dataset/xml` cannot be parsed: %s", scan->info.path, reason);
  for (int i = 0; i < 3; i++) {
    SpanCheckInput(PETSC_COMM_SELF, d->header.encoded_matrix[i] >= 1 && d->header.recon_matrix[i] >= 1,
                   "%s: matrix sizes %d (encoded) and %d (recon) along axis %d", scan->info.path,
                   d->header.encoded_matrix[i], d->header.recon_matrix[i], i);
    SpanCheckInput(PETSC_COMM_SELF, d->header.encoded_fov[i] > 0 && d->header.recon_fov[i] > 0,
                   "%s: fields of view %g (encoded) and %g mm (recon) along axis %d", scan->info.path,
                   d->header.encoded_fov[i], d->header.recon_fov[i], i);
  }
  PetscFunctionReturn(0);
}

/* Numbers of samples to keep along an axis: what the reconstructed field of view holds. */
static PetscInt Kept(const SpanIsmrmrdHeader *h, int axis)
{
  PetscInt n = (PetscInt)lround(h->encoded_matrix[axis] * h->recon_fov[axis] / h->encoded_fov[axis]);
  return PetscMax(1, PetscMin(n, h->encoded_matrix[axis]));
}

static PetscErrorCode Shapes(SpanScan scan)
{
  Ismrmrd *d                 = scan->data;
  SpanScanInfo *info         = &scan->info;
  const SpanIsmrmrdHeader *h = &d->header;
  PetscBool volume           = (PetscBool)(h->encoded_matrix[2] > 1);
  PetscInt slices            = 1;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < d->n_lines; i++) slices = PetscMax(slices, d->lines[i].slice + 1);
  info->n_coils = d->lines[0].channels;
  d->readout    = h->encoded_matrix[0];
  d->kept       = Kept(h, 0);
  d->start      = d->readout / 2 - d->kept / 2;
  if (h->noncartesian || d->lines[0].dimensions >= 2) {
    PetscInt rows = 0;
    for (PetscInt i = 0; i < d->n_lines; i++) rows += d->lines[i].slice == 0;
    SpanCheckInput(PETSC_COMM_SELF, !volume,
                   "%s: a non-Cartesian trajectory in 3D (encoded matrix z = %d); 2D ones can be read", info->path,
                   h->encoded_matrix[2]);
    SpanCheckInput(PETSC_COMM_SELF, rows > 0 && rows * slices == d->n_lines,
                   "%s: %" PetscInt_FMT " interleaves in %" PetscInt_FMT " slices, slice 0 has %" PetscInt_FMT,
                   info->path, d->n_lines, slices, rows);
    info->noncartesian = PETSC_TRUE;
    info->n_rows       = rows;
    info->n_samples    = d->lines[0].samples - d->lines[0].discard_pre - d->lines[0].discard_post;
    info->ny           = h->recon_matrix[1];
    info->nx           = h->recon_matrix[0];
    info->n_slices     = slices;
    PetscFunctionReturn(0);
  }
  info->has_mask = PETSC_TRUE;
  if (volume) {
    SpanCheckInput(PETSC_COMM_SELF, slices == 1, "%s: %" PetscInt_FMT " slabs of 3D encoding; one can be read",
                   info->path, slices);
    info->n_slices = d->kept;
    info->ny = info->n_rows = h->encoded_matrix[2];
    info->nx = info->n_samples = h->encoded_matrix[1];
  } else {
    info->n_slices = slices;
    info->ny = info->n_rows = h->encoded_matrix[1];
    info->nx = info->n_samples = d->kept;
  }
  PetscFunctionReturn(0);
}

/* Every line must fit the encoded space. */
static PetscErrorCode CheckLines(SpanScan scan)
{
  Ismrmrd *d                 = scan->data;
  const SpanIsmrmrdHeader *h = &d->header;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < d->n_lines; i++) {
    const Line *l = &d->lines[i];
    PetscInt n    = l->samples - l->discard_pre - l->discard_post;
    SpanCheckInput(PETSC_COMM_SELF, l->channels == scan->info.n_coils,
                   "%s: acquisition %u has %d channels, the first has %" PetscInt_FMT, scan->info.path, l->at,
                   l->channels, scan->info.n_coils);
    if (scan->info.noncartesian) {
      SpanCheckInput(PETSC_COMM_SELF, n == scan->info.n_samples && l->dimensions >= 2,
                     "%s: acquisition %u has %" PetscInt_FMT
                     " samples and a trajectory of %d dimensions, the first has %" PetscInt_FMT " samples",
                     scan->info.path, l->at, n, l->dimensions, scan->info.n_samples);
      continue;
    }
    PetscInt first = d->readout / 2 - (l->centre - l->discard_pre);
    SpanCheckInput(PETSC_COMM_SELF, first >= 0 && first + n <= d->readout,
                   "%s: acquisition %u: %" PetscInt_FMT
                   " samples around centre sample %d do not fit the encoded readout of %" PetscInt_FMT,
                   scan->info.path, l->at, n, l->centre, d->readout);
    PetscInt y = l->step1 + (h->centre[0] >= 0 ? h->encoded_matrix[1] / 2 - h->centre[0] : 0),
             z = l->step2 + (h->centre[1] >= 0 ? h->encoded_matrix[2] / 2 - h->centre[1] : 0);
    SpanCheckInput(PETSC_COMM_SELF, y >= 0 && y < h->encoded_matrix[1] && z >= 0 && z < h->encoded_matrix[2],
                   "%s: acquisition %u: encoding steps (%d, %d) lie outside the encoded matrix (%d, %d)",
                   scan->info.path, l->at, l->step1, l->step2, h->encoded_matrix[1], h->encoded_matrix[2]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Geometry(SpanScan scan)
{
  Ismrmrd *d                 = scan->data;
  SpanScanInfo *info         = &scan->info;
  const SpanIsmrmrdHeader *h = &d->header;
  const Line *l              = &d->lines[0];
  PetscBool volume           = (PetscBool)(h->encoded_matrix[2] > 1);
  const float *axes[3]       = {volume ? l->phase_dir : l->read_dir, volume ? l->slice_dir : l->phase_dir,
                          volume ? l->read_dir : l->slice_dir};
  int which[3] = {volume ? 1 : 0, volume ? 2 : 1, volume ? 0 : 2};
  double unit  = 0;
  PetscFunctionBeginUser;
  info->grid = SpanGridUnknown(info->n_slices, info->ny, info->nx);
  if (!info->noncartesian) {
    info->grid.ny = Kept(h, which[1]);
    info->grid.nx = Kept(h, which[0]);
  }
  for (int i = 0; i < 3; i++) {
    PetscInt n            = info->noncartesian ? h->recon_matrix[which[i]] : Kept(h, which[i]);
    info->grid.spacing[i] = h->recon_fov[which[i]] / (double)n;
    for (int k = 0; k < 3; k++) unit += (double)(axes[i][k] * axes[i][k]);
  }
  if (fabs(unit - 3) > 0.01) PetscFunctionReturn(0); /* directions not given */
  info->grid.known = PETSC_TRUE;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) info->grid.direction[3 * k + i] = (double)axes[i][k];
  /* Slices lie as far apart as the lines of slice 1 and the first line. */
  double distance = 0, count = 0;
  for (PetscInt i = 0; i < d->n_lines && !volume; i++) {
    if (d->lines[i].slice != 1) continue;
    for (int k = 0; k < 3; k++) distance += (double)((d->lines[i].position[k] - l->position[k]) * l->slice_dir[k]);
    count++;
  }
  if (fabs(distance) > 0) info->grid.spacing[2] = fabs(distance) / count;
  /* The position is that of the slice's (3D: the slab's) centre, at index n/2. */
  double back[3] = {(double)(info->grid.nx / 2) * info->grid.spacing[0],
                    (double)(info->grid.ny / 2) * info->grid.spacing[1],
                    volume ? (double)(info->n_slices / 2) * info->grid.spacing[2] : 0};
  for (int k = 0; k < 3; k++) {
    info->grid.origin[k] = (double)l->position[k];
    for (int i = 0; i < 3; i++) info->grid.origin[k] -= back[i] * info->grid.direction[3 * k + i];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(SpanScan scan)
{
  Ismrmrd *d;
  PetscErrorCode ierr;
  int rank;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  scan->data = d;
  PetscCallMPI(MPI_Comm_rank(scan->comm, &rank));
  PetscCall(SpanErrorAgree(scan->comm, OpenDataset(scan)));
  ierr = rank == 0 ? Index(scan) : 0;
  PetscCall(SpanErrorAgree(scan->comm, ierr));
  PetscCallMPI(MPI_Bcast(&d->n_lines, 1, MPIU_INT, 0, scan->comm));
  if (rank) d->lines = calloc((size_t)d->n_lines, sizeof *d->lines);
  PetscCall(SpanErrorAgree(scan->comm, d->lines ? 0 : PETSC_ERR_MEM));
  PetscCallMPI(MPI_Bcast(d->lines, (PetscMPIInt)((size_t)d->n_lines * sizeof *d->lines), MPI_BYTE, 0, scan->comm));
  PetscCall(Shapes(scan));
  PetscCall(CheckLines(scan));
  PetscCall(Geometry(scan));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanScan scan)
{
  Ismrmrd *d = scan->data;
  PetscFunctionBeginUser;
  if (d->open) ismrmrd_close_dataset(&d->dataset);
  free(d->lines);
  PetscCall(PetscFree(d->volume));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* Where a line goes in the encoded matrix. */
static void Place(const Ismrmrd *d, const Line *l, PetscInt *x, PetscInt *y, PetscInt *z)
{
  const SpanIsmrmrdHeader *h = &d->header;
  *x                         = d->readout / 2 - (l->centre - l->discard_pre);
  *y                         = l->step1 + (h->centre[0] >= 0 ? h->encoded_matrix[1] / 2 - h->centre[0] : 0);
  *z                         = l->step2 + (h->centre[1] >= 0 ? h->encoded_matrix[2] / 2 - h->centre[1] : 0);
}

/* Samples of one coil of a line, turned if reversed, on the encoded readout; transformed to positions, and cut to the
   kept ones. */
static void ReadoutPositions(const Ismrmrd *d, const Line *l, const ISMRMRD_Acquisition *a, PetscInt coil,
                             struct fftwf_plan_s *backward, float complex *line, float complex *positions)
{
  PetscInt x, y, z, n = l->samples - l->discard_pre - l->discard_post;
  Place(d, l, &x, &y, &z);
  memset(line, 0, (size_t)d->readout * sizeof *line);
  for (PetscInt i = 0; i < n; i++) {
    PetscInt from = l->discard_pre + (l->reversed ? n - 1 - i : i);
    line[x + i]   = a->data[coil * l->samples + from];
  }
  SpanFFTCentredLine(backward, d->readout, line, line);
  memcpy(positions, line + d->start, (size_t)d->kept * sizeof *positions);
}

static PetscErrorCode ReadLine(SpanScan scan, const Line *l, ISMRMRD_Acquisition *a)
{
  Ismrmrd *d = scan->data;
  PetscFunctionBeginUser;
  ismrmrd_init_acquisition(a);
  int bad = ismrmrd_read_acquisition(&d->dataset, l->at, a);
  SpanCheckInput(PETSC_COMM_SELF,
                 !bad && a->head.number_of_samples == l->samples && a->head.active_channels == l->channels,
                 "%s: acquisition %u cannot be read", scan->info.path, l->at);
  PetscFunctionReturn(0);
}

/* Adds every line of a slice (of the volume: all) to `sum`, (coil, row, column) with n_columns a row, and counts. In 2D
   positions run along the columns; in 3D each position is a plane of its own. */
static PetscErrorCode Accumulate(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils, PetscBool volume,
                                 float complex *sum, float *count)
{
  Ismrmrd *d  = scan->data;
  PetscInt ny = d->header.encoded_matrix[1], nz = d->header.encoded_matrix[2], x, y, z;
  struct fftwf_plan_s *backward, *forward;
  float complex *line, *positions;
  PetscFunctionBeginUser;
  PetscCall(SpanPlanLine(d->readout, 1, &backward));
  PetscCall(SpanPlanLine(d->kept, -1, &forward));
  PetscCall(PetscMalloc2(d->readout, &line, d->kept, &positions));
  for (PetscInt i = 0; i < d->n_lines; i++) {
    const Line *l = &d->lines[i];
    ISMRMRD_Acquisition a;
    if (!volume && l->slice != slice) continue;
    PetscCall(ReadLine(scan, l, &a));
    Place(d, l, &x, &y, &z);
    for (PetscInt j = 0; j < n_coils; j++) {
      ReadoutPositions(d, l, &a, first_coil + j, backward, line, positions);
      if (!volume) SpanFFTCentredLine(forward, d->kept, positions, positions);
      for (PetscInt k = 0; k < d->kept; k++)
        if (volume)
          sum[((k * n_coils + j) * nz + z) * ny + y] += positions[k];
        else
          sum[(j * ny + y) * d->kept + k] += positions[k];
    }
    count[z * ny + y] += 1;
    ismrmrd_cleanup_acquisition(&a);
  }
  PetscCall(PetscFree2(line, positions));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadNonCartesian(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                       float complex *kspace, float *trajectory)
{
  Ismrmrd *d = scan->data;
  PetscInt n = scan->info.n_samples, row = 0;
  float most = 0;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < d->n_lines; i++) {
    const Line *l = &d->lines[i];
    ISMRMRD_Acquisition a;
    if (l->slice != slice) continue;
    SpanCheckInput(PETSC_COMM_SELF, row < scan->info.n_rows,
                   "%s: slice %" PetscInt_FMT " has more interleaves than slice 0, which has %" PetscInt_FMT,
                   scan->info.path, slice, scan->info.n_rows);
    PetscCall(ReadLine(scan, l, &a));
    for (PetscInt k = 0; k < n; k++) {
      for (PetscInt j = 0; kspace && j < n_coils; j++)
        kspace[(j * scan->info.n_rows + row) * n + k] = a.data[(first_coil + j) * l->samples + l->discard_pre + k];
      for (int axis = 0; trajectory && axis < 2; axis++) {
        float t                              = a.traj[(l->discard_pre + k) * l->dimensions + axis];
        trajectory[2 * (row * n + k) + axis] = t;
        most                                 = fmaxf(most, fabsf(t));
      }
    }
    row++;
    ismrmrd_cleanup_acquisition(&a);
  }
  SpanCheckInput(PETSC_COMM_SELF, row == scan->info.n_rows,
                 "%s: slice %" PetscInt_FMT " has %" PetscInt_FMT " interleaves, slice 0 has %" PetscInt_FMT,
                 scan->info.path, slice, row, scan->info.n_rows);
  /* Trajectories come in cycles per encoded pixel (up to 0.5) or in cycles per encoded field of view. */
  for (PetscInt i = 0; trajectory && i < 2 * row * n; i++) {
    int axis = (int)(i % 2);
    double scale =
        d->header.recon_fov[axis] / d->header.encoded_fov[axis] * (most <= 0.51f ? d->header.encoded_matrix[axis] : 1);
    trajectory[i] *= (float)scale;
    SpanCheckInput(PETSC_COMM_SELF, isfinite(trajectory[i]),
                   "%s: the trajectory of slice %" PetscInt_FMT " holds a number that is not finite", scan->info.path,
                   slice);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(SpanScan scan)
{
  Ismrmrd *d     = scan->data;
  PetscInt plane = scan->info.ny * scan->info.nx;
  float *count;
  PetscFunctionBeginUser;
  if (d->volume) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(d->kept * scan->info.n_coils * plane, &d->volume));
  PetscCall(PetscCalloc1(plane, &count));
  PetscCall(Accumulate(scan, 0, 0, scan->info.n_coils, PETSC_TRUE, d->volume, count));
  for (PetscInt i = 0; i < d->kept * scan->info.n_coils * plane; i++)
    if (count[i % plane] > 1) d->volume[i] /= count[i % plane];
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                 float complex *kspace)
{
  Ismrmrd *d  = scan->data;
  PetscInt ny = scan->info.ny, nx = scan->info.nx, plane = ny * nx;
  float *count;
  PetscFunctionBeginUser;
  if (scan->info.noncartesian) {
    PetscCall(ReadNonCartesian(scan, slice, first_coil, n_coils, kspace, NULL));
    PetscFunctionReturn(0);
  }
  if (d->header.encoded_matrix[2] > 1) {
    PetscCall(Volume(scan));
    PetscCall(PetscMemcpy(kspace, d->volume + (slice * scan->info.n_coils + first_coil) * plane,
                          (size_t)(n_coils * plane) * sizeof *kspace));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscCalloc1(ny, &count));
  memset(kspace, 0, (size_t)(n_coils * plane) * sizeof *kspace);
  PetscCall(Accumulate(scan, slice, first_coil, n_coils, PETSC_FALSE, kspace, count));
  for (PetscInt j = 0; j < n_coils; j++)
    for (PetscInt y = 0; y < ny; y++)
      for (PetscInt x = 0; x < nx && count[y] > 1; x++) kspace[(j * ny + y) * nx + x] /= count[y];
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMask(SpanScan scan, PetscInt slice, float *mask)
{
  Ismrmrd *d       = scan->data;
  PetscInt nx      = scan->info.nx, x, y, z;
  PetscBool volume = (PetscBool)(d->header.encoded_matrix[2] > 1);
  PetscFunctionBeginUser;
  memset(mask, 0, (size_t)(scan->info.ny * nx) * sizeof *mask);
  for (PetscInt i = 0; i < d->n_lines; i++) {
    const Line *l = &d->lines[i];
    if (!volume && l->slice != slice) continue;
    Place(d, l, &x, &y, &z);
    if (volume) {
      mask[z * nx + y] = 1;
      continue;
    }
    /* The samples of an asymmetric echo, on the kept readout's grid. */
    PetscInt n = l->samples - l->discard_pre - l->discard_post, first = (x * d->kept + d->readout - 1) / d->readout,
             last = (x + n) * d->kept / d->readout;
    for (PetscInt k = first; k < last; k++) mask[y * nx + k] = 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadTrajectory(SpanScan scan, PetscInt slice, float *trajectory)
{
  PetscFunctionBeginUser;
  PetscCall(ReadNonCartesian(scan, slice, 0, 0, NULL, trajectory));
  PetscFunctionReturn(0);
}

const SpanScanFormat SpanScanISMRMRD = {"ISMRMRD", Detect, Open, Close, ReadKspace, ReadMask, ReadTrajectory, NULL};
