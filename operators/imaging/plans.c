/* The list of FFTW plans. */
#include <subspan/operators/imaging/plans.h>
#include <fftw3.h>
#include <omp.h>
#include <string.h>

typedef struct Cached_ {
  SpanPlanShape shape;
  PetscBool line;
  fftwf_plan plan;
  struct Cached_ *next;
} Cached;

static Cached *cache;
static omp_lock_t cache_lock;
static int cache_ready;

static PetscErrorCode CacheFree(void)
{
  PetscFunctionBeginUser;
  while (cache) {
    Cached *next = cache->next;
    fftwf_destroy_plan(cache->plan);
    PetscCall(PetscFree(cache));
    cache = next;
  }
  omp_destroy_lock(&cache_lock);
  cache_ready = 0;
  PetscFunctionReturn(0);
}

/* The arrays only fix the alignment. */
static PetscErrorCode PlanNew(const SpanPlanShape *shape, PetscBool line, Cached **out)
{
  Cached *c;
  fftwf_complex *from, *to;
  fftwf_iodim axis = {(int)shape->n, (int)shape->stride, (int)shape->stride}, repeat[3];
  PetscInt size    = (shape->n - 1) * shape->stride + 1;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  c->shape = *shape;
  c->line  = line;
  for (int i = 0; i < 3; i++) {
    repeat[i] = (fftwf_iodim){(int)shape->count[i], (int)shape->distance[i], (int)shape->distance[i]};
    size += (shape->count[i] - 1) * shape->distance[i];
  }
  from = fftwf_alloc_complex((size_t)size);
  to   = line ? fftwf_alloc_complex((size_t)size) : from;
  PetscCheck(from && to, PETSC_COMM_SELF, PETSC_ERR_MEM,
             "no memory to plan a Fourier transform of length %" PetscInt_FMT, shape->n);
  c->plan = fftwf_plan_guru_dft(1, &axis, 3, repeat, from, to, (int)shape->sign, FFTW_ESTIMATE);
  fftwf_free(from);
  if (line) fftwf_free(to);
  PetscCheck(c->plan, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW has no plan for length %" PetscInt_FMT, shape->n);
  c->next = cache;
  cache   = c;
  *out    = c;
  PetscFunctionReturn(0);
}

static PetscErrorCode Plan(const SpanPlanShape *shape, PetscBool line, fftwf_plan *plan)
{
  Cached *c;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  if (!cache_ready) {
    omp_init_lock(&cache_lock);
    cache_ready = 1;
    PetscCall(PetscRegisterFinalize(CacheFree));
  }
  omp_set_lock(&cache_lock);
  for (c = cache; c; c = c->next)
    if (c->line == line && !memcmp(&c->shape, shape, sizeof *shape)) break;
  if (!c) ierr = PlanNew(shape, line, &c);
  omp_unset_lock(&cache_lock);
  PetscCall(ierr);
  *plan = c->plan;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPlanInPlace(const SpanPlanShape *shape, fftwf_plan *plan) { return Plan(shape, PETSC_FALSE, plan); }

PetscErrorCode SpanPlanLine(PetscInt n, int sign, fftwf_plan *plan)
{
  SpanPlanShape shape = {.n = n, .stride = 1, .count = {1, 1, 1}, .sign = sign};
  return Plan(&shape, PETSC_TRUE, plan);
}
