/* Tells the format of projections by its content and hands the reading on. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/projections_private.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

static const SpanProjectionsFormat *const formats[] = {&SpanProjectionsOwn, &SpanProjectionsDataExchange,
                                                       &SpanProjectionsHTC};

static const SpanProjectionsFormat *Detect(const char path[])
{
  struct stat status;
  if (stat(path, &status) || !S_ISREG(status.st_mode)) return NULL;
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
    if (formats[i]->detect(path)) return formats[i];
  return NULL;
}

PetscBool SpanProjectionsIs(const char path[]) { return (PetscBool)(Detect(path) != NULL); }

static PetscErrorCode Find(const char path[], const SpanProjectionsFormat **format)
{
  struct stat status;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, strlen(path) < PETSC_MAX_PATH_LEN, "the path of the projections is longer than %d",
                 PETSC_MAX_PATH_LEN);
  SpanCheckInput(PETSC_COMM_SELF, !stat(path, &status), "%s: no such file", path);
  SpanCheckInput(PETSC_COMM_SELF, S_ISREG(status.st_mode), "%s: not a regular file", path);
  *format = Detect(path);
  SpanCheckInput(PETSC_COMM_SELF, *format,
                 "%s: it holds no CT projections: neither Subspan's own (`projections`, `geometry`), nor Data Exchange "
                 "(`exchange/data`), nor Helsinki scans (`NAME/sinogram`)",
                 path);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsScans(const char path[], char names[], size_t size)
{
  const SpanProjectionsFormat *format;
  PetscFunctionBeginUser;
  PetscCall(Find(path, &format));
  names[0] = 0;
  if (format->scans) PetscCall(format->scans(path, names, size));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsReadAngles(SpanProjections p, const char name[])
{
  const PetscInt n = p->info.geometry.n_views;
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(p->file, p->path, name, &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 1 && dims[0] == (hsize_t)n,
                 "%s: `%s` has %llu angles, the projections have %lld views", p->path, name,
                 (unsigned long long)dims[0], (long long)n);
  PetscCall(PetscMalloc1(n, &p->angles));
  PetscCall(SpanHdf5ReadDoubles(p->file, p->path, name, n, p->angles));
  for (PetscInt i = 0; i < n; i++) p->angles[i] *= M_PI / 180;
  p->info.geometry.angles = p->angles;
  PetscFunctionReturn(0);
}

void SpanProjectionsWeights(PetscInt64 n, PetscReal electrons, float *counts)
{
  const float variance = (float)(electrons * electrons);
#pragma omp parallel for simd
  for (PetscInt64 i = 0; i < n; i++) {
    const float count = counts[i] > 0.5F ? counts[i] : 0.5F;
    counts[i]         = count * count / (count + variance);
  }
}

static PetscErrorCode OpenLocal(SpanProjections p, const char path[], const char scan[])
{
  PetscFunctionBeginUser;
  PetscCall(Find(path, &p->format));
  PetscCall(PetscStrncpy(p->path, path, sizeof p->path));
  p->info.path   = p->path;
  p->info.format = p->format->name;
  for (int i = 0; i < 9; i += 4) p->info.direction[i] = 1;
  PetscCall(p->format->open(p, scan));
  const SpanCTGeometry *g = &p->info.geometry;
  PetscCall(SpanCTGeometryCheck(PETSC_COMM_SELF, path, g));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, path, "pixels of a detector", (double)g->n_v * (double)g->n_u));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, path, "pixels of a row in all views", (double)g->n_views * (double)g->n_u));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsOpen(MPI_Comm comm, const char path[], const char scan[], SpanProjections *out)
{
  SpanProjections p;
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  p->file = -1;
  ierr    = SpanErrorAgree(comm, OpenLocal(p, path, scan));
  if (ierr) (void)SpanProjectionsClose(&p);
  PetscCall(ierr);
  *out = p;
  PetscFunctionReturn(0);
}

const SpanProjectionsInfo *SpanProjectionsGetInfo(SpanProjections p) { return &p->info; }

static PetscErrorCode Read(SpanProjections p, PetscInt first, PetscInt n_rows, float *lines, float *weights)
{
  PetscFunctionBeginUser;
  PetscCheck(first >= 0 && n_rows >= 0 && n_rows <= p->info.geometry.n_v - first, PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "%s: rows %" PetscInt_FMT " and %" PetscInt_FMT " on, of %" PetscInt_FMT,
             p->path, first, n_rows, p->info.geometry.n_v);
  if (!n_rows) PetscFunctionReturn(0);
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  PetscCall(p->format->read(p, first, n_rows, lines, weights));
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsRead(SpanProjections p, PetscInt first, PetscInt n_rows, float *lines)
{
  return Read(p, first, n_rows, lines, NULL);
}

PetscErrorCode SpanProjectionsReadWeights(SpanProjections p, PetscInt first, PetscInt n_rows, float *weights)
{
  const SpanCTGeometry *g = &p->info.geometry;
  PetscFunctionBeginUser;
  if (p->info.has_counts) PetscFunctionReturn(Read(p, first, n_rows, NULL, weights));
  for (PetscInt64 i = 0; i < (PetscInt64)g->n_views * n_rows * g->n_u; i++) weights[i] = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsClose(SpanProjections *projections)
{
  SpanProjections p = *projections;
  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(0);
  if (p->format && p->format->close) PetscCall(p->format->close(p));
  if (p->file >= 0) H5Fclose(p->file);
  PetscCall(PetscFree(p->angles));
  PetscCall(PetscFree(p->source_z));
  PetscCall(PetscFree(*projections));
  PetscFunctionReturn(0);
}
