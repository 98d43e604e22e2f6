/* Pairs of fields as panels, a row a sample. */
#include <subspan/base/error.h>
#include <subspan/io/fields.h>
#include <subspan/io/picture.h>
#include <subspan/solvers/view/fields.h>
#include <stdio.h>
#include <string.h>

enum { most_rows = 3, most_times = 3, most_panels = most_rows * (1 + most_times), most_points = 512, most_lines = 64 };

typedef struct {
  SpanFields fields;
  const SpanFieldsInfo *info;
  PetscInt stride; /* of the points that are drawn */
  SpanPanel panels[most_panels];
  float *data[most_panels];
  PetscInt n;
} Sheet;

/* Grey from the 0.2nd to the 99.8th percentile. */
static PetscErrorCode Finish(SpanPanel *p)
{
  PetscFunctionBeginUser;
  PetscCall(SpanPicturePercentile(p->ny * p->nx, p->data, 0.002, &p->low));
  PetscCall(SpanPicturePercentile(p->ny * p->nx, p->data, 0.998, &p->high));
  if (p->high <= p->low) p->high = p->low + 1;
  p->bar = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* The points to be drawn: all of a plane, or of a line. */
static SpanFieldsBox Drawn(const Sheet *s)
{
  const SpanFieldsInfo *i = s->info;
  SpanFieldsBox box       = {.start = {0}};
  for (int k = 0; k < i->n_dims; k++) {
    box.start[k]  = 0;
    box.stride[k] = s->stride;
    box.count[k]  = (i->n[k] - 1) / s->stride + 1;
  }
  if (i->n_dims == 3) {
    box.start[0] = i->n[0] / 2;
    box.count[0] = 1;
  }
  return box;
}

/* One field of `count` samples, of which a panel takes the first channel: at one time of several, or as it is. */
static PetscErrorCode Add(Sheet *s, PetscBool output, PetscInt sample, PetscInt count, PetscInt time)
{
  const SpanFieldsInfo *i = s->info;
  const SpanFieldsBox box = Drawn(s);
  const PetscInt times    = PetscMax(1, output ? i->out_times : i->in_times),
                 rows = i->n_dims == 1 ? count * times : box.count[i->n_dims - 2], columns = box.count[i->n_dims - 1],
                 channels  = output ? i->out_channels : i->in_channels;
  const double *const span = output ? i->out_time : i->in_time;
  const char *name         = output ? (i->output[0] ? i->output : "output") : (i->input[0] ? i->input : "input");
  SpanPanel *p             = &s->panels[s->n];
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(count * channels * times * (i->n_dims == 1 ? columns : rows * columns), &s->data[s->n]));
  if (output)
    PetscCall(SpanFieldsReadOutput(s->fields, sample, count, &box, s->data[s->n]));
  else
    PetscCall(SpanFieldsReadInput(s->fields, sample, count, &box, s->data[s->n]));
  *p = (SpanPanel){.data = s->data[s->n] + (i->n_dims == 1 ? 0 : time * rows * columns), .ny = rows, .nx = columns};
  if (i->n_dims == 1) { /* a panel of 3 to 4 */
    p->height = 0.75 / (double)rows;
    p->width  = 1 / (double)columns;
  } else {
    p->height = i->length[i->n_dims - 2] / (double)rows;
    p->width  = i->length[i->n_dims - 1] / (double)columns;
  }
  const int letters = (int)PetscMin(28, strcspn(name, ";"));
  char when[48]     = "";
  if (i->n_dims > 1 && times > 1)
    snprintf(when, sizeof when, ", t = %.4g", span[0] + (span[1] - span[0]) * (double)time / (double)(times - 1));
  if (count > 1)
    snprintf(p->title, sizeof p->title, "%lld samples: %.*s", (long long)count, letters, name);
  else
    snprintf(p->title, sizeof p->title, "%lld: %.*s%s", (long long)sample, letters, name, when);
  PetscCall(Finish(p));
  s->n++;
  PetscFunctionReturn(0);
}

/* Input, and output at the first, middle and last of its times. */
static PetscErrorCode Row(Sheet *s, PetscInt sample, PetscInt count)
{
  const SpanFieldsInfo *i = s->info;
  const PetscInt times = i->n_dims == 1 ? 1 : PetscMax(1, i->out_times), n = PetscMin(times, most_times);
  PetscFunctionBeginUser;
  PetscCall(Add(s, PETSC_FALSE, sample, count, PetscMax(1, i->in_times) - 1));
  for (PetscInt k = 0; k < n; k++)
    PetscCall(Add(s, PETSC_TRUE, sample, count, n == 1 ? times - 1 : k * (times - 1) / (n - 1)));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanViewFields(const char path[], const char group[], PetscInt sample, const char output[])
{
  Sheet s = {.n = 0};
  PetscFunctionBeginUser;
  PetscCall(SpanFieldsOpen(PETSC_COMM_SELF, path, group, &s.fields));
  const SpanFieldsInfo *i = s.info = SpanFieldsGetInfo(s.fields);
  SpanCheckInput(PETSC_COMM_SELF, sample < i->n_samples,
                 "%s: sample %" PetscInt_FMT " is asked for, it has %" PetscInt_FMT, path, sample, i->n_samples);
  PetscInt longest = 1;
  for (int k = 0; k < i->n_dims; k++) longest = PetscMax(longest, i->n[k]);
  s.stride = (longest + most_points - 1) / most_points;
  if (i->n_dims == 1 && !i->in_times && !i->out_times) { /* a sample is a line of the picture */
    const PetscInt first = PetscMax(0, sample);
    PetscCall(Row(&s, first, PetscMin(most_lines, i->n_samples - first)));
  } else {
    const PetscInt first = PetscMax(0, sample), rows = sample < 0 ? PetscMin(most_rows, i->n_samples) : 1;
    for (PetscInt k = 0; k < rows; k++) PetscCall(Row(&s, first + k, 1));
  }
  const PetscInt columns = 1 + (i->n_dims == 1 ? 1 : PetscMin(PetscMax(1, i->out_times), most_times));
  PetscCall(SpanPictureWrite(output, s.n, s.panels, columns));
  for (PetscInt k = 0; k < s.n; k++) PetscCall(PetscFree(s.data[k]));
  PetscCall(SpanFieldsClose(&s.fields));
  PetscFunctionReturn(0);
}
