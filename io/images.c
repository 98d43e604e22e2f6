/* Image sets: one rank of a node reads, all share the memory. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/layout.h>
#include <subspan/base/shared.h>
#include <subspan/io/hash.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/images.h>
#include <subspan/io/volume.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { n_bins = 65536 };

struct SpanImages_ {
  MPI_Comm comm;
  int node_rank, node_size;
  PetscInt n, ny, nx;
  SpanShared shared;
  size_t bytes;
  float (*range)[2]; /* (n): low, scale */
  uint16_t *pixels;  /* (n, ny, nx) */
  double *percentiles;
  PetscInt (*extent)[4]; /* (n), end row 0: the file has none */
  char hash[96];
};

static PetscErrorCode Sizes(SpanImages s, int n_paths, const char *const paths[], PetscInt *counts)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n_paths; i++) {
    SpanVolumeReader reader;
    PetscCall(SpanVolumeReaderOpen(s->comm, paths[i], NULL, &reader));
    const SpanGrid *g = SpanVolumeReaderGrid(reader);
    if (i == 0) {
      s->ny = g->ny;
      s->nx = g->nx;
    }
    SpanCheckInput(s->comm, g->ny == s->ny && g->nx == s->nx,
                   "%s: its images have %" PetscInt_FMT " x %" PetscInt_FMT " points, those of %s have %" PetscInt_FMT
                   " x %" PetscInt_FMT "; a training set is of one size",
                   paths[i], g->ny, g->nx, paths[0], s->ny, s->nx);
    counts[i] = g->nz;
    s->n += g->nz;
    PetscCall(SpanVolumeReaderClose(&reader));
  }
  PetscFunctionReturn(0);
}

/* The data set `extent` of one file, of `count` images from number `at` on. */
static PetscErrorCode Extent(SpanImages s, const char path[], PetscInt count, PetscInt at)
{
  hid_t file;
  hsize_t dims[span_hdf5_max_dims], start[2] = {0, 0};
  int n_dims;
  PetscBool is_complex;
  float *values;
  PetscFunctionBeginUser;
  if (!SpanHdf5Detect(path, "extent")) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Open(path, &file));
  PetscCall(SpanHdf5Shape(file, path, "extent", &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 2 && (PetscInt)dims[0] == count && dims[1] == 4 && !is_complex,
                 "%s: `extent` must have 4 numbers of each of the %" PetscInt_FMT " images", path, count);
  PetscCall(PetscMalloc1(4 * count, &values));
  PetscCall(SpanHdf5ReadFloat(file, path, "extent", start, dims, values));
  for (PetscInt i = 0; i < count; i++) {
    const float *e = values + 4 * i;
    SpanCheckInput(PETSC_COMM_SELF,
                   e[0] >= 0 && e[0] < e[1] && e[1] <= (float)s->ny && e[2] >= 0 && e[2] < e[3] && e[3] <= (float)s->nx,
                   "%s: `extent` of image %" PetscInt_FMT " is %.0f to %.0f, %.0f to %.0f, of %" PetscInt_FMT
                   " x %" PetscInt_FMT " points",
                   path, i, e[0], e[1], e[2], e[3], s->ny, s->nx);
    for (int k = 0; k < 4; k++) s->extent[at + i][k] = (PetscInt)e[k];
  }
  PetscCall(PetscFree(values));
  H5Fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode Hash(SpanImages s, int n_paths, const char *const paths[])
{
  uLong crc = crc32(0, NULL, 0);
  PetscFunctionBeginUser;
  for (int i = 0; i < n_paths; i++) {
    char one[64];
    PetscCall(SpanHashFile(s->comm, paths[i], one));
    crc = crc32(crc, (const unsigned char *)one, (uInt)strlen(one) + 1);
  }
  snprintf(s->hash, sizeof s->hash, "crc32:%08lx of %d files, %" PetscInt_FMT " images", crc, n_paths, s->n);
  PetscFunctionReturn(0);
}

static PetscErrorCode Allocate(SpanImages s, const char path[])
{
  const size_t ranges = ((size_t)s->n * sizeof *s->range + 63) / 64 * 64;
  char what[PETSC_MAX_PATH_LEN + 128];
  PetscFunctionBeginUser;
  s->bytes = ranges + (size_t)s->n * (size_t)s->ny * (size_t)s->nx * sizeof *s->pixels;
  snprintf(what, sizeof what, "%s: the set of %" PetscInt_FMT " images of %" PetscInt_FMT " x %" PetscInt_FMT " points",
           path, s->n, s->ny, s->nx);
  PetscCall(SpanSharedCreate(s->comm, s->bytes, what, &s->shared));
  PetscCallMPI(MPI_Comm_rank(SpanSharedNode(s->shared), &s->node_rank));
  PetscCallMPI(MPI_Comm_size(SpanSharedNode(s->shared), &s->node_size));
  char *memory = SpanSharedData(s->shared);
  s->range     = (float(*)[2])(void *)memory;
  s->pixels    = (uint16_t *)(void *)(memory + ranges);
  PetscFunctionReturn(0);
}

static uint16_t *Pixels(SpanImages s, PetscInt index)
{
  return s->pixels + (size_t)index * (size_t)s->ny * (size_t)s->nx; /* which an int may not count */
}

static PetscErrorCode Store(SpanImages s, const char path[], PetscInt index, PetscInt of_file, const float *image)
{
  PetscInt pixels = s->ny * s->nx;
  float low = image[0], high = image[0];
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < pixels; i++) {
    low  = image[i] < low ? image[i] : low;
    high = image[i] > high ? image[i] : high;
  }
  SpanCheckInput(PETSC_COMM_SELF, isfinite(high - low), "%s: image %" PetscInt_FMT " reaches from %g to %g, too far",
                 path, of_file, (double)low, (double)high);
  const float scale = (high - low) / 65535, inverse = high > low ? 65535 / (high - low) : 0;
  s->range[index][0] = low;
  s->range[index][1] = scale;
  uint16_t *q        = Pixels(s, index);
  for (PetscInt i = 0; i < pixels; i++) q[i] = (uint16_t)((image[i] - low) * inverse + 0.5F);
  PetscFunctionReturn(0);
}

/* The share of one rank of the node. */
static PetscErrorCode Read(SpanImages s, const char path[], PetscInt count, PetscInt at)
{
  SpanVolumeReader reader;
  PetscInt first, mine;
  float *image;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  SpanShare(count, s->node_size, s->node_rank, &first, &mine);
  PetscCall(SpanVolumeReaderOpen(PETSC_COMM_SELF, path, NULL, &reader));
  PetscCall(PetscMalloc1(s->ny * s->nx, &image));
  for (PetscInt i = first; i < first + mine && !ierr; i++) {
    ierr = SpanVolumeRead(reader, i, 1, image);
    if (!ierr) ierr = Store(s, path, at + i, i, image);
  }
  PetscCall(PetscFree(image));
  PetscCall(SpanVolumeReaderClose(&reader));
  PetscFunctionReturn(ierr);
}

/* Percentiles 0 to 1 in 1000 steps of the pixels above 0, from a histogram; integer counts, so any number of ranks
   agrees. */
static PetscErrorCode Percentiles(SpanImages s, const char path[])
{
  double top = 0;
  int64_t *counts, total = 0, sum = 0;
  PetscInt first, mine, pixels    = s->ny * s->nx;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(1001, &s->percentiles));
  PetscCall(PetscCalloc1(n_bins, &counts));
  for (PetscInt i = 0; i < s->n; i++) top = PetscMax(top, (double)s->range[i][0] + 65535. * (double)s->range[i][1]);
  SpanCheckInput(s->comm, top > 0, "%s: nothing above 0 in the images of the training set", path);
  SpanShare(s->n, s->node_size, s->node_rank, &first, &mine);
  for (PetscInt i = first; i < first + mine; i++) {
    const float low = s->range[i][0] * (float)(n_bins / top), scale = s->range[i][1] * (float)(n_bins / top);
    const uint16_t *q = Pixels(s, i);
    for (PetscInt p = 0; p < pixels; p++) {
      const float bin = low + scale * (float)q[p];
      if (bin > 0) counts[bin < n_bins ? (int)bin : n_bins - 1]++;
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, counts, n_bins, MPI_INT64_T, MPI_SUM, SpanSharedNode(s->shared)));
  for (int i = 0; i < n_bins; i++) total += counts[i];
  for (int bin = 0, k = 0; k <= 1000; k++) {
    while (bin < n_bins - 1 && sum + counts[bin] < (int64_t)((double)total * k / 1000)) sum += counts[bin++];
    s->percentiles[k] = top * (bin + 1) / n_bins;
  }
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanImagesOpen(MPI_Comm comm, int n_paths, const char *const paths[], SpanImages *images)
{
  SpanImages s;
  PetscInt *counts, at = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  PetscCall(PetscNew(&s));
  s->comm = comm;
  PetscCall(PetscMalloc1(n_paths, &counts));
  PetscCall(Sizes(s, n_paths, paths, counts));
  PetscCall(Hash(s, n_paths, paths));
  PetscCall(Allocate(s, paths[0]));
  PetscCall(PetscCalloc1(s->n, &s->extent));
  for (int i = 0; i < n_paths; i++) {
    PetscCall(SpanErrorAgree(comm, Read(s, paths[i], counts[i], at)));
    PetscCall(SpanErrorAgree(comm, Extent(s, paths[i], counts[i], at)));
    at += counts[i];
  }
  PetscCall(SpanSharedFence(s->shared));
  PetscCall(Percentiles(s, paths[0]));
  PetscCall(PetscFree(counts));
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  *images = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanImagesClose(SpanImages *images)
{
  SpanImages s = *images;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  PetscCall(SpanSharedDestroy(&s->shared));
  PetscCall(PetscFree(s->percentiles));
  PetscCall(PetscFree(s->extent));
  PetscCall(PetscFree(*images));
  PetscFunctionReturn(0);
}

void SpanImagesSize(SpanImages s, PetscInt *n, PetscInt *ny, PetscInt *nx)
{
  *n  = s->n;
  *ny = s->ny;
  *nx = s->nx;
}

PetscBool SpanImagesExtent(SpanImages s, PetscInt index, PetscInt extent[4])
{
  memcpy(extent, s->extent[index], sizeof s->extent[index]);
  return (PetscBool)(extent[1] > 0);
}

const char *SpanImagesHash(SpanImages s) { return s->hash; }

double SpanImagesPercentile(SpanImages s, double share)
{
  return s->percentiles[(int)(1000 * PetscMin(PetscMax(share, 0.), 1.) + 0.5)];
}

void SpanImagesGet(SpanImages s, PetscInt index, float *image)
{
  const PetscInt pixels = s->ny * s->nx;
  const float low = s->range[index][0], scale = s->range[index][1];
  const uint16_t *q = Pixels(s, index);
#pragma omp simd
  for (PetscInt i = 0; i < pixels; i++) image[i] = low + scale * (float)q[i];
}

double SpanImagesMemory(SpanImages s) { return (double)s->bytes; }
