/* ISMRMRD raw data (Inati et al., MRM 77:411, 2017).

   The headers of all acquisitions are indexed once, on rank 0; each rank then reads the acquisitions of its own slices.
   Noise, navigator, phase-correction and calibration-only acquisitions are left out, averages and repetitions are
   averaged, reversed readouts turned. Readouts are placed by their centre sample, so an asymmetric echo leaves its
   missing samples unmeasured; the readout's oversampling is removed by transforming it, keeping the reconstructed
   field of view, and transforming back. In a 3D scan the readout stays transformed: its positions are the slices, their
   rows the second and their columns the first phase encoding. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/ismrmrd_private.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { heads_at_once = 4096 };

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

static void Append(Ismrmrd *d, uint32_t at, const ISMRMRD_AcquisitionHeader *h)
{
  Line *l = &d->lines[d->n_lines++];
  *l      = (Line){.at           = at,
                   .step1        = h->idx.kspace_encode_step_1,
                   .step2        = h->idx.kspace_encode_step_2,
                   .slice        = h->idx.slice,
                   .samples      = h->number_of_samples,
                   .centre       = h->center_sample,
                   .discard_pre  = h->discard_pre,
                   .discard_post = h->discard_post,
                   .channels     = h->active_channels,
                   .reversed     = (h->flags >> (ISMRMRD_ACQ_IS_REVERSE - 1)) & 1,
                   .dimensions   = h->trajectory_dimensions};
  memcpy(l->position, h->position, sizeof h->position);
  memcpy(l->read_dir, h->read_dir, sizeof h->read_dir);
  memcpy(l->phase_dir, h->phase_dir, sizeof h->phase_dir);
  memcpy(l->slice_dir, h->slice_dir, sizeof h->slice_dir);
}

/* Rank 0: reads all acquisition headers. */
static PetscErrorCode Index(SpanScan scan)
{
  Ismrmrd *d = scan->data;
  ISMRMRD_AcquisitionHeader *heads;
  PetscFunctionBeginUser;
  hsize_t n = d->file.n;
  SpanCheckInput(PETSC_COMM_SELF, n > 0 && n < (1u << 28), "%s: %llu acquisitions in `dataset/data`", scan->info.path,
                 (unsigned long long)n);
  d->lines = calloc(n, sizeof *d->lines);
  PetscCheck(d->lines, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the index of %llu acquisitions",
             (unsigned long long)n);
  PetscCall(PetscCalloc1(heads_at_once, &heads));
  PetscErrorCode ierr = 0;
  for (hsize_t i = 0; i < n && !ierr; i++) {
    const ISMRMRD_AcquisitionHeader *h = &heads[i % heads_at_once];
    if (i % heads_at_once == 0)
      ierr = SpanIsmrmrdFileHeads(&d->file, scan->info.path, i, PetscMin(n - i, heads_at_once), heads);
    if (ierr || LeftOut(h->flags)) continue;
    ierr = CheckLine(scan->info.path, (uint32_t)i, h);
    if (!ierr) Append(d, (uint32_t)i, h);
  }
  PetscCall(PetscFree(heads));
  PetscCall(ierr);
  SpanCheckInput(PETSC_COMM_SELF, d->n_lines > 0, "%s: none of its %llu acquisitions is an image line", scan->info.path,
                 (unsigned long long)n);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenDataset(SpanScan scan)
{
  Ismrmrd *d       = scan->data;
  char reason[256] = "", *xml;
  PetscFunctionBeginUser;
  PetscCall(SpanIsmrmrdFileOpen(scan->info.path, &d->file));
  PetscCall(SpanIsmrmrdHeaderText(d->file.file, scan->info.path, "dataset/xml", &xml));
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
  d->file    = (SpanIsmrmrdFile){-1, -1, -1, -1, 0};
  PetscCallMPI(MPI_Comm_rank(scan->comm, &rank));
  PetscCall(SpanErrorAgree(scan->comm, OpenDataset(scan)));
  ierr = rank == 0 ? Index(scan) : 0;
  PetscCall(SpanErrorAgree(scan->comm, ierr));
  PetscCallMPI(MPI_Bcast(&d->n_lines, 1, MPIU_INT, 0, scan->comm));
  if (rank) d->lines = calloc((size_t)d->n_lines, sizeof *d->lines);
  PetscCall(SpanErrorAgree(scan->comm, d->lines ? 0 : PETSC_ERR_MEM));
  MPI_Datatype type; /* a count of bytes could exceed an int */
  PetscCallMPI(MPI_Type_contiguous((int)sizeof *d->lines, MPI_BYTE, &type));
  PetscCallMPI(MPI_Type_commit(&type));
  PetscCallMPI(MPI_Bcast(d->lines, (PetscMPIInt)d->n_lines, type, 0, scan->comm));
  PetscCallMPI(MPI_Type_free(&type));
  PetscCall(Shapes(scan));
  PetscCall(CheckLines(scan));
  PetscCall(Geometry(scan));
  if (d->header.encoded_matrix[2] > 1 && !scan->info.noncartesian) PetscCall(SpanIsmrmrdSetHybrid(scan));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanScan scan)
{
  Ismrmrd *d = scan->data;
  PetscFunctionBeginUser;
  SpanIsmrmrdFileClose(&d->file);
  free(d->lines);
  PetscCall(PetscFree(d->counts));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

const SpanScanFormat SpanScanISMRMRD = {
    "ISMRMRD", Detect, Open, Close, SpanIsmrmrdReadKspace, SpanIsmrmrdReadMask, SpanIsmrmrdReadTrajectory, NULL};
