/* Pictures of what an operator does: input, truth, prediction and their difference. */
#include <subspan/base/error.h>
#include <subspan/io/picture.h>
#include <subspan/solvers/train/operator/training.h>
#include <math.h>
#include <stdio.h>

enum { n_shown = 3, n_kinds = 4 };

/* What is drawn of fields: the last two axes, in the middle of those before; of a single axis, a band. */
typedef struct {
  PetscInt ny, nx, first; /* first: point that the picture starts with */
  PetscBool band;
} Window;

static Window WindowOf(const SpanOperatorShape *s)
{
  Window w = {.nx = s->points[s->n_axes - 1]};
  w.band   = (PetscBool)(s->n_axes == 1);
  w.ny     = w.band ? PetscMax(1, w.nx / 8) : s->points[s->n_axes - 2];
  for (int a = 0; a < s->n_axes - 2; a++) {
    PetscInt size = 1;
    for (int b = a + 1; b < s->n_axes; b++) size *= s->points[b];
    w.first += s->points[a] / 2 * size;
  }
  return w;
}

static void Draw(const Window *w, PetscInt channels, PetscInt channel, const float *field, float *to)
{
  for (PetscInt y = 0; y < w->ny; y++)
    for (PetscInt x = 0; x < w->nx; x++)
      to[y * w->nx + x] = field[(w->first + (w->band ? 0 : y * w->nx) + x) * channels + channel];
}

static void Range(PetscInt n, const float *x, double *low, double *high)
{
  *low = *high = (double)x[0];
  for (PetscInt i = 0; i < n; i++) {
    *low  = fmin(*low, (double)x[i]);
    *high = fmax(*high, (double)x[i]);
  }
  if (*high == *low) *high = *low + 1;
}

/* The panels of a sample: `of` holds its n_kinds pictures, of which the first three are drawn. */
static void Panels(const Window *w, float *of, double error, SpanPanel panels[n_kinds])
{
  static const char *const titles[n_kinds] = {"input", "truth", "prediction", "|prediction - truth|"};
  const PetscInt n                         = w->ny * w->nx;
  for (PetscInt i = 0; i < n; i++) of[3 * n + i] = fabsf(of[2 * n + i] - of[n + i]);
  for (int k = 0; k < n_kinds; k++) {
    panels[k] =
        (SpanPanel){.data = of + k * n, .ny = w->ny, .nx = w->nx, .colors = SPAN_COLORS_HEAT, .bar = PETSC_TRUE};
    Range(n, of + (k == 2 ? 1 : k) * n, &panels[k].low, &panels[k].high);
    snprintf(panels[k].title, sizeof panels[k].title, "%s", titles[k]);
  }
  panels[3].low = 0;
  snprintf(panels[2].caption, sizeof panels[2].caption, "relative L2 error %.4g", error);
}

static PetscErrorCode Predicted(SpanOperatorTraining *t, SpanOperatorSamples set, PetscInt index, const Window *w,
                                float *of, double *error)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(set);
  const PetscInt n           = w->ny * w->nx;
  SpanTensor x, truth, y, mean;
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorSamplesTensors(set, SpanTapeArena(t->tape), 1, NULL, NULL, &x, &truth));
  PetscCall(SpanOperatorSamplesGet(set, index, SpanTensorFloats(x), SpanTensorFloats(truth)));
  PetscCall(SpanOperatorApply(t->tape, t->op, t->layout.team, x, &y));
  PetscCall(SpanSobolevError(t->tape, y, truth, SPAN_L2, PETSC_TRUE, NULL, &mean, error));
  Draw(w, s->in_channels, s->in_channels - 1, SpanTensorFloats(x), of);
  Draw(w, s->out_channels, 0, SpanTensorFloats(truth), of + n);
  Draw(w, s->out_channels, 0, SpanTensorFloats(y), of + 2 * n);
  PetscCall(SpanTensorDestroy(&mean));
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(SpanTensorDestroy(&truth));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorPictures(SpanOperatorTraining *t, const char stem[])
{
  SpanOperatorSamples set    = t->n_tests ? t->tests[t->n_tests - 1] : t->samples;
  const SpanOperatorShape *s = SpanOperatorSamplesShape(set);
  const Window w             = WindowOf(s);
  const PetscInt n = w.ny * w.nx, shown = PetscMin((PetscInt)n_shown, s->n);
  SpanPanel panels[n_shown * n_kinds];
  char path[PETSC_MAX_PATH_LEN];
  float *drawn;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(shown * n_kinds * n, &drawn));
  for (PetscInt i = 0; i < shown; i++) {
    double error;
    PetscCall(Predicted(t, set, i * (s->n - 1) / PetscMax(1, shown - 1), &w, drawn + i * n_kinds * n, &error));
    Panels(&w, drawn + i * n_kinds * n, error, panels + i * n_kinds);
  }
  PetscCall(PetscSNPrintf(path, sizeof path, "%s-fields.png", stem));
  if (t->layout.world_rank == 0) ierr = SpanPictureWrite(path, shown * n_kinds, panels, n_kinds);
  PetscCall(SpanErrorAgree(t->layout.world, ierr));
  PetscCall(PetscFree(drawn));
  PetscFunctionReturn(0);
}
