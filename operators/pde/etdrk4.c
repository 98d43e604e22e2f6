/* ETDRK4 with steps of segment / 2^j.

     a = e^(z/2) u + h/2 phi1(z/2) N(u)                       z = -lambda h
     b = e^(z/2) u + h/2 phi1(z/2) N(a)
     c = e^(z/2) a + h/2 phi1(z/2) (2 N(b) - N(u))
     u' = e^z u + h [(phi1 - 3 phi2 + 4 phi3) N(u) + (2 phi2 - 4 phi3) (N(a) + N(b)) + (4 phi3 - phi2) N(c)]

   with phi1 = (e^z - 1)/z, phi_k+1 = (phi_k - 1/k!)/z at z. Near 0 these cancel, and phi3's series is summed instead
   (Kassam and Trefethen, SIAM J. Sci. Comput. 26, 2005, on why that matters). */
#include <subspan/base/error.h>
#include <subspan/operators/pde/etdrk4.h>
#include <math.h>
#include <string.h>

enum { most_halvings = 24, n_kept = 8 };

/* Of one step size; all but the step are of the length of the modes. */
typedef struct {
  double step;
  double *half, *whole, *inner, *first, *middle, *last;
} Coefficients;

struct SpanEtdrk4_ {
  PetscInt n, active;
  double *lambda, courant, fastest;
  SpanEtdrk4Function function;
  void *context;
  Coefficients kept[n_kept]; /* of the step sizes used last */
  int oldest;
  double complex *nu, *na, *nb, *nc, *a, *b;
};

double SpanEtdrk4Memory(PetscInt n) { return (double)n * (8 + n_kept / 2 * 48 + 6 * 16); }

PetscErrorCode SpanEtdrk4Create(PetscInt n, const double *lambda, double courant, SpanEtdrk4Function function,
                                void *context, SpanEtdrk4 *solver)
{
  SpanEtdrk4 s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->n = s->active = n;
  s->courant       = courant;
  s->function      = function;
  s->context       = context;
  PetscCall(PetscMalloc7(n, &s->lambda, n, &s->nu, n, &s->na, n, &s->nb, n, &s->nc, n, &s->a, n, &s->b));
  memcpy(s->lambda, lambda, (size_t)n * sizeof *lambda);
  SpanEtdrk4SetModes(s, n);
  *solver = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEtdrk4Destroy(SpanEtdrk4 *solver)
{
  SpanEtdrk4 s = *solver;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  for (int k = 0; k < n_kept; k++) PetscCall(PetscFree(s->kept[k].half));
  PetscCall(PetscFree7(s->lambda, s->nu, s->na, s->nb, s->nc, s->a, s->b));
  PetscCall(PetscFree(*solver));
  PetscFunctionReturn(0);
}

void SpanEtdrk4SetModes(SpanEtdrk4 s, PetscInt n)
{
  s->active  = n;
  s->fastest = 0;
  for (PetscInt i = 0; i < n; i++) s->fastest = fmax(s->fastest, s->lambda[i]);
}

static void Phi(double z, double phi[3])
{
  if (fabs(z) < 1) {
    double term = 1. / 6, sum = 0;
    for (int k = 4; k < 24; k++) {
      sum += term;
      term *= z / k;
    }
    phi[2] = sum;
    phi[1] = z * phi[2] + 0.5;
    phi[0] = z * phi[1] + 1;
  } else {
    phi[0] = expm1(z) / z;
    phi[1] = (phi[0] - 1) / z;
    phi[2] = (phi[1] - 0.5) / z;
  }
}

static PetscErrorCode Find(SpanEtdrk4 s, double step, const Coefficients **found)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < n_kept; k++)
    if (s->kept[k].half && s->kept[k].step == step) {
      *found = &s->kept[k];
      PetscFunctionReturn(0);
    }
  Coefficients *c = &s->kept[s->oldest];
  s->oldest       = (s->oldest + 1) % n_kept;
  if (!c->half) {
    PetscCall(PetscMalloc1(6 * s->n, &c->half));
    double **parts[5] = {&c->whole, &c->inner, &c->first, &c->middle, &c->last};
    for (int k = 0; k < 5; k++) *parts[k] = c->half + (k + 1) * s->n;
  }
  c->step = step;
  for (PetscInt i = 0; i < s->n; i++) {
    const double z = -s->lambda[i] * step;
    double phi[3];
    Phi(z / 2, phi);
    c->half[i]  = exp(z / 2);
    c->whole[i] = exp(z);
    c->inner[i] = step / 2 * phi[0];
    Phi(z, phi);
    c->first[i]  = step * (phi[0] - 3 * phi[1] + 4 * phi[2]);
    c->middle[i] = step * (2 * phi[1] - 4 * phi[2]);
    c->last[i]   = step * (4 * phi[2] - phi[1]);
  }
  *found = c;
  PetscFunctionReturn(0);
}

/* The rest of a step, whose N(u) is in nu. */
static void Step(SpanEtdrk4 s, const Coefficients *c, double complex *u)
{
  const PetscInt n = s->active;
#pragma omp simd
  for (PetscInt i = 0; i < n; i++) s->a[i] = c->half[i] * u[i] + c->inner[i] * s->nu[i];
  s->function(s->context, s->a, s->na, NULL);
#pragma omp simd
  for (PetscInt i = 0; i < n; i++) s->b[i] = c->half[i] * u[i] + c->inner[i] * s->na[i];
  s->function(s->context, s->b, s->nb, NULL);
#pragma omp simd
  for (PetscInt i = 0; i < n; i++) s->b[i] = c->half[i] * s->a[i] + c->inner[i] * (2 * s->nb[i] - s->nu[i]);
  s->function(s->context, s->b, s->nc, NULL);
#pragma omp simd
  for (PetscInt i = 0; i < n; i++)
    u[i] = c->whole[i] * u[i] + c->first[i] * s->nu[i] + c->middle[i] * (s->na[i] + s->nb[i]) + c->last[i] * s->nc[i];
}

static PetscBool Allowed(const SpanEtdrk4 s, double rate, double step)
{
  const double damped = s->fastest * step > 5 ? sqrt(5 / (s->fastest * step)) : 1;
  return (PetscBool)(step * rate * damped <= s->courant);
}

PetscErrorCode SpanEtdrk4Advance(SpanEtdrk4 s, double segment, double longest, double complex *u, PetscInt *steps)
{
  const PetscInt64 end  = (PetscInt64)1 << most_halvings;
  const Coefficients *c = NULL;
  PetscFunctionBeginUser;
  for (PetscInt64 at = 0, length; at < end; at += length, ++*steps) {
    double rate = 0;
    s->function(s->context, u, s->nu, &rate);
    SpanCheckInput(PETSC_COMM_SELF, isfinite(rate), "the solution grows without bound: a finer grid or a smaller step");
    length = end;
    while (length > 0 && (at % length || segment * (double)length / (double)end > longest ||
                          !Allowed(s, rate, segment * (double)length / (double)end)))
      length /= 2;
    SpanCheckInput(PETSC_COMM_SELF, length > 0, "the solution moves too fast, at a rate of %g: no step is short enough",
                   rate);
    PetscCall(Find(s, segment * (double)length / (double)end, &c));
    Step(s, c, u);
  }
  PetscFunctionReturn(0);
}
