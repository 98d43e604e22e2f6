/* What a learned operator is. */
#include <subspan/operators/networks/operator.h>
#include <subspan/solvers/info/say.h>
#include <subspan/solvers/train/operator/training.h>
#include <stdio.h>
#include <string.h>

static void Network(const SpanFNOConfig *c, cJSON *json)
{
  char modes[64] = "", weights[64] = "dense";
  for (PetscInt a = 0; a < c->n_axes; a++)
    snprintf(modes + strlen(modes), sizeof modes - strlen(modes), "%s%" PetscInt_FMT, a ? " x " : "", c->modes[a]);
  if (c->form != SPAN_SPECTRAL_DENSE)
    snprintf(weights, sizeof weights, "%s with %.3g %% of the dense weights' numbers", SpanSpectralForms[c->form],
             100 * c->rank);
  SpanSay(json, "network",
          "Fourier neural operator, %" PetscInt_FMT " layers of %" PetscInt_FMT
          " channels, %s modes, weights %s, norm %s",
          c->n_layers, c->hidden_channels, modes, weights, SpanFNONorms[c->norm]);
  SpanSay(json, "channels", "%" PetscInt_FMT " to %" PetscInt_FMT, c->in_channels, c->out_channels);
}

PetscErrorCode SpanInfoOperator(const char path[], SpanModel model, cJSON *json)
{
  SpanTape tape;
  SpanOperator op;
  double history = 0;
  char text[256];
  PetscFunctionBeginUser;
  PetscCall(SpanTapeCreate(&tape));
  PetscCall(SpanOperatorLoad(PETSC_COMM_SELF, path, tape, &op));
  const SpanOperatorConfig *c = SpanOperatorGetConfig(op);
  Network(&c->fno, json);
  SpanSay(json, "parameters", "%lld in %" PetscInt_FMT " arrays",
          (long long)SpanParametersWeights(SpanOperatorParameters(op)),
          SpanParametersCount(SpanOperatorParameters(op)));
  if (c->levels)
    SpanSay(json, "patches", "%d x %d of the domain, padding %g of it, %" PetscInt_FMT " levels of surroundings",
            1 << c->levels, 1 << c->levels, c->padding, c->levels);
  if (SpanModelHas(model, "history")) PetscCall(SpanModelReadNumbers(model, "history", 1, &history, NULL));
  if (history > 0) SpanSay(json, "times", "%g to the next one", history);
  const char *const words[] = {"equation", "input", "output"};
  for (int i = 0; i < 3; i++) {
    if (!SpanModelHas(model, words[i])) continue;
    PetscCall(SpanModelReadText(model, words[i], text, sizeof text));
    if (text[0]) SpanSay(json, words[i], "%s", text);
  }
  PetscCall(SpanOperatorDestroy(&op));
  PetscCall(SpanTapeDestroy(&tape));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInfoOperatorValidation(SpanModel model, cJSON *json)
{
  PetscInt n;
  double *rows;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadTable(model, "validation", span_operator_validation_names, span_operator_validation_columns,
                               &n, &rows));
  SpanOperatorSayValidation(json, n, rows);
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(0);
}
