/* CT projections made from a volume: line integrals of its attenuation (projector.h), measured (ct_measure.c). The
   ranks share the slices of a stack. Of a cone they share the views, and each takes the volume slab by slab in the same
   order, so that sums have one order and the projections do not depend on the number of ranks. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/base/options.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/io/projections_write.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/projector.h>
#include <subspan/solvers/simulate/ct.h>
#include <subspan/solvers/simulate/ct_measure.h>
#include <string.h>

enum { slab = 32 }; /* slices that are read and projected at once */

typedef struct {
  SpanCTOptions o;
  PetscInt first; /* slice of the volume's file */
  PetscBool hu;
  SpanVolumeReader reader;
  SpanProjectionsInfo scan;
  PetscReal *angles, *source_z;
  SpanCTSpectrum spectrum;
  SpanProjector projector;
  float *volume, *bone; /* a slab; bone NULL with one energy */
  /* Of the views and rows at work: what is measured, what bone adds, counts, and in a cone what one slab adds. */
  float *lines, *bone_lines, *counts, *part;
} Simulation;

static PetscErrorCode SetUp(MPI_Comm comm, const char path[], Simulation *s)
{
  SpanGrid grid;
  PetscInt total;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeReaderOpen(comm, path, NULL, &s->reader));
  grid = *SpanVolumeReaderGrid(s->reader);
  PetscCall(SpanOptionsSlices(comm, s->o.slices, path, grid.nz, &s->first, &total));
  grid.nz = total;
  s->hu   = (PetscBool)strcmp(SpanVolumeReaderUnits(s->reader), "1/mm");
  SpanCTSpectrumSet((double)s->o.beam_hardening, &s->spectrum);
  PetscCall(SpanCTOptionsGeometry(comm, path, &s->o, &grid, &s->scan.geometry, &s->angles, &s->source_z));
  s->scan.axis_known = s->scan.pixel_known = PETSC_TRUE;
  s->scan.has_counts                       = (PetscBool)(s->o.photons > 0);
  s->scan.blank                            = s->o.photons;
  s->scan.electrons                        = s->o.electronic_noise;
  s->scan.water                            = s->o.water;
  PetscCall(PetscArraycpy(s->scan.direction, grid.direction, 9));
  PetscCall(SpanProjectorCreate(&s->scan.geometry, &s->projector));
  PetscFunctionReturn(0);
}

static PetscErrorCode Allocate(Simulation *s, PetscInt64 lines, PetscBool sums)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  const PetscInt64 voxels = (PetscInt64)PetscMin(slab, g->nz) * g->ny * g->nx;
  const PetscBool bone    = (PetscBool)(s->spectrum.n > 0);
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(voxels, &s->volume));
  PetscCall(PetscMalloc1(lines, &s->lines));
  if (bone) PetscCall(PetscMalloc1(voxels, &s->bone));
  if (bone) PetscCall(PetscMalloc1(lines, &s->bone_lines));
  if (s->scan.has_counts) PetscCall(PetscMalloc1(lines, &s->counts));
  if (sums) PetscCall(PetscMalloc1(lines, &s->part));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadSlab(Simulation *s, PetscInt first, PetscInt n)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeRead(s->reader, s->first + first, n, s->volume));
  SpanCTAttenuation(s->hu, (double)s->o.water, (PetscInt64)n * g->ny * g->nx, s->volume, s->bone);
  PetscFunctionReturn(0);
}

/* A slab of slices of a stack in all views. */
static PetscErrorCode Slices(Simulation *s, PetscInt first, PetscInt n)
{
  const SpanCTGeometry *g      = &s->scan.geometry;
  const SpanProjectorPart part = {0, g->n_views, first, n};
  const SpanCTPlace place = {g->n_views, n, g->n_u, (PetscInt64)first * g->n_u, g->n_u, (PetscInt64)g->n_v * g->n_u};
  PetscFunctionBeginUser;
  PetscCall(ReadSlab(s, first, n));
  PetscCall(SpanProjectorForward(s->projector, &part, s->volume, s->lines));
  if (s->bone) PetscCall(SpanProjectorForward(s->projector, &part, s->bone, s->bone_lines));
  SpanCTMeasure(&s->o, &s->spectrum, &place, s->lines, s->bone_lines, s->counts);
  PetscFunctionReturn(0);
}

static PetscErrorCode Stack(MPI_Comm comm, Simulation *s, SpanProjectionsWriter writer)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  int rank, size;
  PetscInt first, count;
  SpanProgress progress;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  SpanShare(g->nz, size, rank, &first, &count);
  const PetscInt most = g->nz / size + (g->nz % size > 0); /* writes are collective: all take as many turns */
  PetscCall(Allocate(s, (PetscInt64)g->n_views * PetscMin(slab, most) * g->n_u, PETSC_FALSE));
  PetscCall(SpanProgressCreate(comm, "simulate ct", "slices", most, &progress));
  for (PetscInt k = 0; k < most; k += slab) {
    const PetscInt n               = PetscMax(0, PetscMin(slab, count - k));
    const SpanProjectionsPart part = {0, g->n_views, first + k, n};
    PetscCall(SpanErrorAgree(comm, n > 0 ? Slices(s, first + k, n) : 0));
    PetscCall(SpanProjectionsWrite(writer, &part, s->lines, s->counts));
    PetscCall(SpanProgressUpdate(progress, PetscMin(k + slab, most)));
  }
  PetscCall(SpanProgressDestroy(&progress));
  PetscFunctionReturn(0);
}

static PetscErrorCode Add(Simulation *s, const SpanProjectorPart *part, const float *volume, float *sum)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  const PetscInt64 n      = (PetscInt64)part->n_views * g->n_v * g->n_u;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorForward(s->projector, part, volume, part->first_slice ? s->part : sum));
  if (!part->first_slice) PetscFunctionReturn(0);
#pragma omp parallel for simd
  for (PetscInt64 i = 0; i < n; i++) sum[i] += s->part[i];
  PetscFunctionReturn(0);
}

/* Views of a cone from all slabs. */
static PetscErrorCode Views(Simulation *s, PetscInt first, PetscInt n)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  const PetscInt64 view   = (PetscInt64)g->n_v * g->n_u;
  const SpanCTPlace place = {n, g->n_v, g->n_u, (PetscInt64)first * view, g->n_u, view};
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < g->nz; k += slab) {
    const SpanProjectorPart part = {first, n, k, PetscMin(slab, g->nz - k)};
    PetscCall(ReadSlab(s, k, part.n_slices));
    PetscCall(Add(s, &part, s->volume, s->lines));
    if (s->bone) PetscCall(Add(s, &part, s->bone, s->bone_lines));
  }
  SpanCTMeasure(&s->o, &s->spectrum, &place, s->lines, s->bone_lines, s->counts);
  PetscFunctionReturn(0);
}

static PetscErrorCode Cone(MPI_Comm comm, Simulation *s, SpanProjectionsWriter writer)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  int rank, size;
  PetscInt first, count;
  SpanProgress progress;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  SpanShare(g->n_views, size, rank, &first, &count);
  const PetscInt64 view = (PetscInt64)g->n_v * g->n_u;
  const PetscInt most   = g->n_views / size + (g->n_views % size > 0);
  const PetscInt turn   = (PetscInt)PetscMax(1, PetscMin(most, (1 << 26) / view)); /* 256 MB an array */
  PetscCall(Allocate(s, turn * view, PETSC_TRUE));
  PetscCall(SpanProgressCreate(comm, "simulate ct", "views", most, &progress));
  for (PetscInt k = 0; k < most; k += turn) {
    const PetscInt n               = PetscMax(0, PetscMin(turn, count - k));
    const SpanProjectionsPart part = {first + k, n, 0, g->n_v};
    PetscCall(SpanErrorAgree(comm, n > 0 ? Views(s, first + k, n) : 0));
    PetscCall(SpanProjectionsWrite(writer, &part, s->lines, s->counts));
    PetscCall(SpanProgressUpdate(progress, PetscMin(k + turn, most)));
  }
  PetscCall(SpanProgressDestroy(&progress));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(MPI_Comm comm, const Simulation *s)
{
  const SpanCTGeometry *g = &s->scan.geometry;
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm,
                        "%s: %" PetscInt_FMT " slices of %" PetscInt_FMT " x %" PetscInt_FMT ", %s, %" PetscInt_FMT
                        " views over %.6g degrees, %" PetscInt_FMT " rows of %" PetscInt_FMT
                        " pixels of %.4g mm, %.6g photons, in %.2f s\n",
                        s->o.output, g->nz, g->ny, g->nx, s->o.geometry, g->n_views, (double)s->o.arc, g->n_v, g->n_u,
                        (double)g->pitch_u, (double)s->o.photons, SpanReportSeconds()));
  PetscFunctionReturn(0);
}

static PetscErrorCode Free(Simulation *s)
{
  float **arrays[] = {&s->volume, &s->bone, &s->lines, &s->bone_lines, &s->counts, &s->part};
  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) PetscCall(PetscFree(*arrays[i]));
  PetscCall(PetscFree(s->angles));
  PetscCall(PetscFree(s->source_z));
  PetscCall(SpanProjectorDestroy(&s->projector));
  PetscCall(SpanVolumeReaderClose(&s->reader));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSimulateCT(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Simulation s = {0};
  SpanProjectionsWriter writer;
  PetscBool stop;
  char seed[32];
  PetscFunctionBeginUser;
  PetscCall(SpanCTOptionsRead(comm, &s.o, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1, "simulate ct: %d volumes, one is needed", n_inputs);
  SpanCheckInput(comm, strcmp(inputs[0], s.o.output), "%s: input and output are the same file", inputs[0]);
  PetscCall(SpanReportCheckPlace(comm, s.o.output));
  PetscCall(SetUp(comm, inputs[0], &s));
  PetscCall(SpanProjectionsWriterCreate(comm, s.o.output, &s.scan, &writer));
  PetscCall(s.scan.geometry.kind == SPAN_CT_CONE ? Cone(comm, &s, writer) : Stack(comm, &s, writer));
  PetscCall(PetscSNPrintf(seed, sizeof seed, "%" PetscInt_FMT, s.o.seed));
  PetscCall(SpanProjectionsWriteProvenance(writer, "source", inputs[0]));
  PetscCall(SpanProjectionsWriteProvenance(writer, "seed", seed));
  PetscCall(SpanProjectionsWriterCommit(&writer));
  PetscCall(Report(comm, &s));
  PetscCall(Free(&s));
  PetscFunctionReturn(0);
}
