/* What a model is, how it was trained, and how well it did on its validation images. */
#include <subspan/io/hdf5_read.h>
#include <subspan/operators/networks/prior.h>
#include <subspan/solvers/info/say.h>
#include <subspan/solvers/train/prior/training.h>
#include <subspan/solvers/train/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* "1, 2, 3" */
static const char *List(PetscInt n, const PetscInt values[], char text[64])
{
  size_t at = 0;
  text[0]   = 0;
  for (PetscInt i = 0; i < n && at < 64; i++)
    at += (size_t)snprintf(text + at, 64 - at, "%s%" PetscInt_FMT, i ? ", " : "", values[i]);
  return text;
}

static void Network(const SpanPriorConfig *c, cJSON *json)
{
  const SpanUNetConfig *u = &c->unet;
  char mult[64], rates[64], attention[128] = "none";
  if (u->n_attention)
    snprintf(attention, sizeof attention, "at the rates %s", List(u->n_attention, u->attention, rates));
  if (u->middle_attention)
    snprintf(attention + (u->n_attention ? strlen(attention) : 0), 48, "%sin the middle",
             u->n_attention ? " and " : "");
  SpanSay(json, "network",
          "UNet, %" PetscInt_FMT " channels times %s by level, %" PetscInt_FMT
          " residual blocks a level, groups of norms %" PetscInt_FMT ", attention: %s",
          u->model_channels, List(u->n_levels, u->channel_mult, mult), u->res_blocks, u->groups, attention);
}

static void Denoiser(const SpanDenoiser *d, cJSON *json)
{
  if (d->form == SPAN_DENOISER_EDM)
    SpanSay(json, "form", "edm, sigma_data %g, noise levels in training around %.3g (ln: %g, deviation %g)",
            d->sigma_data, exp(d->level_mean), d->level_mean, d->level_deviation);
  else
    SpanSay(json, "form", "%s, noise prediction in %d steps", SpanDenoiserForms[d->form], (int)span_denoiser_steps);
}

static void Patches(const SpanPatchGeometry *g, cJSON *json)
{
  char levels[64], surroundings[96] = "none";
  if (g->n_levels) snprintf(surroundings, sizeof surroundings, "at level %s", List(g->n_levels, g->level, levels));
  if (g->rows)
    SpanSay(json, "patches",
            "%" PetscInt_FMT " x %" PetscInt_FMT ", padding %" PetscInt_FMT ", positions %s, surroundings %s", g->rows,
            g->columns, g->padding, g->positions ? "yes" : "no", surroundings);
  else
    SpanSay(json, "patches", "none: whole images, padding %" PetscInt_FMT ", positions %s, surroundings %s", g->padding,
            g->positions ? "yes" : "no", surroundings);
}

static void Units(const SpanPriorConfig *c, cJSON *json)
{
  const char *channels = c->channels == 1 ? "one real channel" : "real and imaginary part";
  if (c->units == SPAN_PRIOR_HU)
    SpanSay(json, "images", "%s, CT numbers in HU: 0 is %g, 1 is %g, cut off at 0 and %g (%g HU)", channels, c->low,
            c->low + 1 / c->scale, c->high, c->low + c->high / c->scale);
  else
    SpanSay(json, "images", "%s, of any brightness", channels);
}

static PetscErrorCode Prior(const char path[], cJSON *json)
{
  SpanTape tape;
  SpanPrior prior;
  struct stat status;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeCreate(&tape));
  PetscCall(SpanPriorLoad(PETSC_COMM_SELF, path, tape, &prior));
  const SpanPriorConfig *c = SpanPriorGetConfig(prior);
  SpanParameters p         = SpanPriorParameters(prior);
  Network(c, json);
  SpanSay(json, "parameters", "%lld in %" PetscInt_FMT " arrays", (long long)SpanParametersWeights(p),
          SpanParametersCount(p));
  if (!stat(path, &status)) SpanSay(json, "size", "%.2f MB", 1e-6 * (double)status.st_size);
  Denoiser(&c->denoiser, json);
  Patches(&c->patches, json);
  Units(c, json);
  SpanSay(json, "data", "%g %% of the pixels above 0 lay below %.4g", 100 * c->data_share, c->data_level);
  PetscCall(SpanPriorDestroy(&prior));
  PetscCall(SpanTapeDestroy(&tape));
  PetscFunctionReturn(0);
}

static PetscErrorCode Curve(SpanModel model, cJSON *json)
{
  PetscInt n;
  double *rows;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadTable(model, "curve", span_curve_names, span_curve_columns, &n, &rows));
  if (n) {
    const double *last = rows + (n - 1) * span_curve_columns;
    SpanSay(json, "training", "%.0f steps, %.3g times through the set, %.0f s", last[0], last[1], last[5]);
    SpanSay(json, "loss", "%.4g at first, %.4g half way, %.4g at the end", rows[2],
            rows[n / 2 * span_curve_columns + 2], last[2]);
  }
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode PriorValidation(SpanModel model, cJSON *json)
{
  PetscInt n, n_noise;
  double *rows, *noise;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadTable(model, "noise", span_noise_names, span_noise_columns, &n_noise, &noise));
  PetscCall(SpanModelReadTable(model, "validation", span_validation_names, span_validation_columns, &n, &rows));
  SpanPriorSayValidation(json, n, rows, n_noise, noise);
  PetscCall(PetscFree(rows));
  PetscCall(PetscFree(noise));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInfoModel(const char path[], hid_t file, cJSON *json)
{
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelOpen(PETSC_COMM_SELF, path, NULL, &model));
  const PetscBool prior = (PetscBool)!strcmp(SpanModelKind(model), "prior");
  const PetscBool operator=(PetscBool) !strcmp(SpanModelKind(model), "operator");
  SpanSay(json, "kind", "model, %s",
          prior   ? "a prior: a denoiser of images" :
          operator? "an operator: from fields to fields"
                  : SpanModelKind(model));
  if (prior) PetscCall(Prior(path, json));
  if (operator) PetscCall(SpanInfoOperator(path, model, json));
  PetscCall(Curve(model, json));
  if (prior) PetscCall(PriorValidation(model, json));
  if (operator) PetscCall(SpanInfoOperatorValidation(model, json));
  PetscCall(SpanModelClose(&model));
  SpanSayProvenance(file, json);
  PetscFunctionReturn(0);
}
