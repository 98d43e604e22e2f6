/* Noise levels of samplers. */
#include <math.h>
#include <subspan/base/error.h>
#include <subspan/operators/networks/denoiser.h>
#include <subspan/solvers/recon/levels.h>

const char *const SpanScheduleNames[] = {"karras", "geometric", "vp_linear", "vp_cosine", NULL};

static const double spacing = 7;

PetscErrorCode SpanScheduleLevels(SpanScheduleKind kind, PetscInt steps, double high, double low, double levels[])
{
  SpanDenoiser vp   = {.form = kind == SPAN_SCHEDULE_VP_COSINE ? SPAN_DENOISER_VP_COSINE : SPAN_DENOISER_VP_LINEAR};
  const double last = steps > 1 ? (double)(steps - 1) : 1;
  PetscFunctionBeginUser;
  if (kind == SPAN_SCHEDULE_VP_LINEAR || kind == SPAN_SCHEDULE_VP_COSINE) {
    SpanCheckInput(PETSC_COMM_SELF, steps <= span_denoiser_steps,
                   "%" PetscInt_FMT " steps: the schedule %s has %d times", steps, SpanScheduleNames[kind],
                   span_denoiser_steps);
    SpanDenoiserSet(&vp);
    for (PetscInt t = 0; t < steps; t++) levels[t] = exp(vp.log_sigma[(steps - 1 - t) * (span_denoiser_steps / steps)]);
  } else if (kind == SPAN_SCHEDULE_GEOMETRIC) {
    for (PetscInt t = 0; t < steps; t++) levels[t] = high * pow(low / high, (double)t / last);
  } else {
    const double first = pow(high, 1 / spacing), end = pow(low, 1 / spacing);
    for (PetscInt t = 0; t < steps; t++) levels[t] = pow(first + (double)t / last * (end - first), spacing);
  }
  levels[steps] = 0;
  PetscFunctionReturn(0);
}
