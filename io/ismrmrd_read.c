/* Samples, masks and trajectories of an ISMRMRD file from its index of lines. */
#include <subspan/base/error.h>
#include <subspan/io/ismrmrd_private.h>
#include <subspan/operators/imaging/fft.h>
#include <math.h>
#include <string.h>

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
static void ReadoutPositions(const Ismrmrd *d, const Line *l, const SpanIsmrmrdSamples *a, PetscInt coil,
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

static PetscErrorCode ReadLine(SpanScan scan, const Line *l, SpanIsmrmrdSamples *a)
{
  const Ismrmrd *d = scan->data;
  PetscFunctionBeginUser;
  PetscCall(SpanIsmrmrdFileSamples(&d->file, scan->info.path, l->at, (size_t)l->samples * l->channels,
                                   (size_t)l->samples * l->dimensions, a));
  PetscFunctionReturn(0);
}

/* Adds every line of a 2D slice to `sum`, (coil, row, column), and counts those of each row. */
static PetscErrorCode Accumulate(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                 float complex *sum, float *count)
{
  Ismrmrd *d  = scan->data;
  PetscInt ny = scan->info.ny, x, y, z;
  struct fftwf_plan_s *backward, *forward;
  float complex *line, *positions;
  PetscFunctionBeginUser;
  PetscCall(SpanFFTPlan(d->readout, 1, 1, d->readout, 1, &backward));
  PetscCall(SpanFFTPlan(d->kept, 1, 1, d->kept, -1, &forward));
  PetscCall(PetscMalloc2(d->readout, &line, d->kept, &positions));
  for (PetscInt i = 0; i < d->n_lines; i++) {
    const Line *l = &d->lines[i];
    SpanIsmrmrdSamples a;
    if (l->slice != slice) continue;
    PetscCall(ReadLine(scan, l, &a));
    Place(d, l, &x, &y, &z);
    for (PetscInt j = 0; j < n_coils; j++) {
      ReadoutPositions(d, l, &a, first_coil + j, backward, line, positions);
      SpanFFTCentredLine(forward, d->kept, positions, positions);
      for (PetscInt k = 0; k < d->kept; k++) sum[(j * ny + y) * d->kept + k] += positions[k];
    }
    count[y] += 1;
    SpanIsmrmrdSamplesFree(&d->file, &a);
  }
  PetscCall(PetscFree2(line, positions));
  PetscFunctionReturn(0);
}

/* Readouts of a 3D scan, at positions. */
static PetscErrorCode ReadLines(void *context, PetscInt first, PetscInt count, PetscInt first_coil, PetscInt n_coils,
                                float complex *positions, PetscInt *places)
{
  SpanScan scan = context;
  Ismrmrd *d    = scan->data;
  PetscInt x, y, z;
  struct fftwf_plan_s *backward;
  float complex *line;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanFFTPlan(d->readout, 1, 1, d->readout, 1, &backward));
  PetscCall(PetscMalloc1(d->readout, &line));
  for (PetscInt i = 0; i < count && !ierr; i++) {
    const Line *l = &d->lines[first + i];
    SpanIsmrmrdSamples a;
    ierr = ReadLine(scan, l, &a);
    if (ierr) break;
    for (PetscInt j = 0; j < n_coils; j++)
      ReadoutPositions(d, l, &a, first_coil + j, backward, line, positions + (i * n_coils + j) * d->kept);
    Place(d, l, &x, &y, &z);
    places[i] = z * scan->info.nx + y;
    SpanIsmrmrdSamplesFree(&d->file, &a);
  }
  PetscCall(PetscFree(line));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanIsmrmrdSetHybrid(SpanScan scan)
{
  Ismrmrd *d = scan->data;
  PetscInt x, y, z, plane = scan->info.ny * scan->info.nx;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(plane, &d->counts));
  for (PetscInt i = 0; i < d->n_lines; i++) {
    Place(d, &d->lines[i], &x, &y, &z);
    d->counts[z * scan->info.nx + y] += 1;
  }
  scan->hybrid = (SpanHybridSource){.n_lines     = d->n_lines,
                                    .n_positions = d->kept,
                                    .n_coils     = scan->info.n_coils,
                                    .plane       = plane,
                                    .counts      = d->counts,
                                    .read        = ReadLines,
                                    .context     = scan};
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
    SpanIsmrmrdSamples a;
    if (l->slice != slice) continue;
    SpanCheckInput(PETSC_COMM_SELF, row < scan->info.n_rows,
                   "%s: slice %" PetscInt_FMT " has more interleaves than slice 0, which has %" PetscInt_FMT,
                   scan->info.path, slice, scan->info.n_rows);
    PetscCall(ReadLine(scan, l, &a));
    for (PetscInt k = 0; k < n; k++) {
      for (PetscInt j = 0; kspace && j < n_coils; j++)
        kspace[(j * scan->info.n_rows + row) * n + k] = a.data[(first_coil + j) * l->samples + l->discard_pre + k];
      for (int axis = 0; trajectory && axis < 2; axis++) {
        float t                              = a.trajectory[(l->discard_pre + k) * l->dimensions + axis];
        trajectory[2 * (row * n + k) + axis] = t;
        most                                 = fmaxf(most, fabsf(t));
      }
    }
    row++;
    SpanIsmrmrdSamplesFree(&d->file, &a);
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

PetscErrorCode SpanIsmrmrdReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                     float complex *kspace)
{
  PetscInt ny = scan->info.ny, nx = scan->info.nx, plane = ny * nx;
  float *count;
  PetscFunctionBeginUser;
  if (scan->info.noncartesian) {
    PetscCall(ReadNonCartesian(scan, slice, first_coil, n_coils, kspace, NULL));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscCalloc1(ny, &count));
  memset(kspace, 0, (size_t)(n_coils * plane) * sizeof *kspace);
  PetscCall(Accumulate(scan, slice, first_coil, n_coils, kspace, count));
  for (PetscInt j = 0; j < n_coils; j++)
    for (PetscInt y = 0; y < ny; y++)
      for (PetscInt x = 0; x < nx && count[y] > 1; x++) kspace[(j * ny + y) * nx + x] /= count[y];
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanIsmrmrdReadMask(SpanScan scan, PetscInt slice, float *mask)
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

PetscErrorCode SpanIsmrmrdReadTrajectory(SpanScan scan, PetscInt slice, float *trajectory)
{
  PetscFunctionBeginUser;
  PetscCall(ReadNonCartesian(scan, slice, 0, 0, NULL, trajectory));
  PetscFunctionReturn(0);
}
