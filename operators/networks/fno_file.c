/* The configuration of a Fourier neural operator in a model file. */
#include <math.h>
#include <string.h>
#include <subspan/base/error.h>
#include <subspan/operators/networks/fno.h>

/* The numbers of a configuration and where they are. */
typedef struct {
  const char *name;
  double min, max;
  PetscInt *integer;
  double *real;
  PetscBool *flag;
} Field;

enum { n_fields = 16 };

static void Fields(SpanFNOConfig *c, Field fields[n_fields])
{
  const Field all[n_fields] = {{"n_axes", 1, span_spectral_max_axes, .integer = &c->n_axes},
                               {"in_channels", 1, 1e6, .integer = &c->in_channels},
                               {"out_channels", 1, 1e6, .integer = &c->out_channels},
                               {"hidden_channels", 1, 1e6, .integer = &c->hidden_channels},
                               {"n_layers", 1, 1e4, .integer = &c->n_layers},
                               {"groups", 1, 1e6, .integer = &c->groups},
                               {"norm_groups", 1, 1e6, .integer = &c->norm_groups},
                               {"rank", 0, 1e6, .real = &c->rank},
                               {"lifting_ratio", 0, 1e4, .real = &c->lifting_ratio},
                               {"projection_ratio", 0, 1e4, .real = &c->projection_ratio},
                               {"mlp_expansion", 0, 1e4, .real = &c->mlp_expansion},
                               {"domain_padding", 0, 10, .real = &c->domain_padding},
                               {"mlp", 0, 1, .flag = &c->mlp},
                               {"preactivation", 0, 1, .flag = &c->preactivation},
                               {"stabilise", 0, 1, .flag = &c->stabilise},
                               {"grid_embedding", 0, 1, .flag = &c->grid_embedding}};
  memcpy(fields, all, sizeof all);
}

static PetscErrorCode WriteList(SpanModel model, const char name[], PetscInt n, const PetscInt list[])
{
  double values[span_spectral_max_weight_axes + 1];
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) values[i] = (double)list[i];
  PetscCall(SpanModelWriteNumbers(model, name, n, values));
  PetscFunctionReturn(0);
}

/* The numbers of ranks that are given; 0 where they follow from `rank`. */
static PetscInt Ranks(const SpanFNOConfig *c)
{
  PetscInt n = 0;
  while (n <= span_spectral_max_weight_axes && c->ranks[n] > 0) n++;
  return n;
}

PetscErrorCode SpanFNOWriteConfig(const SpanFNOConfig *config, SpanModel model)
{
  SpanFNOConfig c = *config;
  Field f[n_fields];
  PetscFunctionBeginUser;
  Fields(&c, f);
  for (int i = 0; i < n_fields; i++) {
    const double value = f[i].integer ? (double)*f[i].integer : f[i].real ? *f[i].real : (double)*f[i].flag;
    PetscCall(SpanModelWriteNumbers(model, f[i].name, 1, &value));
  }
  PetscCall(WriteList(model, "modes", c.n_axes, c.modes));
  if (Ranks(&c)) PetscCall(WriteList(model, "ranks", Ranks(&c), c.ranks));
  PetscCall(SpanModelWriteText(model, "form", SpanSpectralForms[c.form]));
  PetscCall(SpanModelWriteText(model, "skip", SpanFNOSkips[c.skip]));
  PetscCall(SpanModelWriteText(model, "mlp_skip", SpanFNOSkips[c.mlp_skip]));
  PetscCall(SpanModelWriteText(model, "norm", SpanFNONorms[c.norm]));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadList(SpanModel model, const char name[], PetscInt most, PetscInt *n, PetscInt list[])
{
  double values[span_spectral_max_weight_axes + 1];
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadNumbers(model, name, most, values, n));
  for (PetscInt i = 0; i < *n; i++) {
    SpanCheckInput(PETSC_COMM_SELF, values[i] >= 1 && values[i] <= 1e6 && values[i] == rint(values[i]),
                   "%s: `%s` of the configuration is %g, must be a whole number from 1 to 1e6", SpanModelPath(model),
                   name, values[i]);
    list[i] = (PetscInt)values[i];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadName(SpanModel model, const char name[], const char *const names[], int *value)
{
  char text[64];
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadText(model, name, text, sizeof text));
  for (*value = 0; names[*value]; (*value)++)
    if (!strcmp(names[*value], text)) PetscFunctionReturn(0);
  SpanCheckInput(PETSC_COMM_SELF, PETSC_FALSE, "%s: `%s` of the configuration is `%s`, which is none",
                 SpanModelPath(model), name, text);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFNOReadConfig(SpanModel model, SpanFNOConfig *c)
{
  Field f[n_fields];
  PetscInt n;
  int k;
  PetscFunctionBeginUser;
  SpanFNOConfigDefaults(c);
  Fields(c, f);
  for (int i = 0; i < n_fields; i++) {
    double value;
    PetscCall(SpanModelReadNumbers(model, f[i].name, 1, &value, NULL));
    SpanCheckInput(PETSC_COMM_SELF, value >= f[i].min && value <= f[i].max && (f[i].real || value == rint(value)),
                   "%s: `%s` of the configuration is %g, must be %g to %g", SpanModelPath(model), f[i].name, value,
                   f[i].min, f[i].max);
    if (f[i].integer) *f[i].integer = (PetscInt)value;
    if (f[i].real) *f[i].real = value;
    if (f[i].flag) *f[i].flag = (PetscBool)value;
  }
  PetscCall(ReadList(model, "modes", span_spectral_max_axes, &n, c->modes));
  SpanCheckInput(PETSC_COMM_SELF, n == c->n_axes, "%s: `modes` of %" PetscInt_FMT " axes, `n_axes` is %" PetscInt_FMT,
                 SpanModelPath(model), n, c->n_axes);
  if (SpanModelHas(model, "ranks"))
    PetscCall(ReadList(model, "ranks", span_spectral_max_weight_axes + 1, &n, c->ranks));
  PetscCall(ReadName(model, "form", SpanSpectralForms, &k));
  c->form = (SpanSpectralForm)k;
  PetscCall(ReadName(model, "skip", SpanFNOSkips, &k));
  c->skip = (SpanFNOSkip)k;
  PetscCall(ReadName(model, "mlp_skip", SpanFNOSkips, &k));
  c->mlp_skip = (SpanFNOSkip)k;
  PetscCall(ReadName(model, "norm", SpanFNONorms, &k));
  c->norm = (SpanFNONorm)k;
  PetscFunctionReturn(0);
}
