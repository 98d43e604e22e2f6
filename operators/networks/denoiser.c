/* Denoisers from networks. */
#include <subspan/operators/networks/denoiser.h>
#include <math.h>

const char *const SpanDenoiserForms[] = {"edm", "vp_linear", "vp_cosine", NULL};

static double CosineShare(double t) { return pow(cos((t / span_denoiser_steps + 0.008) / 1.008 * M_PI / 2), 2); }

void SpanDenoiserSet(SpanDenoiser *d)
{
  double remains = 1; /* a_t */
  if (d->form == SPAN_DENOISER_EDM) return;
  for (int t = 0; t < span_denoiser_steps; t++) {
    double beta = 1e-4 + (0.02 - 1e-4) * t / (span_denoiser_steps - 1);
    if (d->form == SPAN_DENOISER_VP_COSINE) beta = fmin(0.999, 1 - CosineShare(t + 1) / CosineShare(t));
    remains *= 1 - beta;
    d->log_sigma[t] = 0.5 * log((1 - remains) / remains);
  }
}

/* The step, with fraction, at which the noise level is sigma. */
static double StepOf(const SpanDenoiser *d, double log_sigma)
{
  int low = 0, high = span_denoiser_steps - 1;
  if (log_sigma <= d->log_sigma[low]) return low;
  if (log_sigma >= d->log_sigma[high]) return high;
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (d->log_sigma[middle] <= log_sigma)
      low = middle;
    else
      high = middle;
  }
  return low + (log_sigma - d->log_sigma[low]) / (d->log_sigma[high] - d->log_sigma[low]);
}

SpanDenoiserCoefficients SpanDenoiserAt(const SpanDenoiser *d, double sigma)
{
  if (d->form == SPAN_DENOISER_EDM) {
    const double data = d->sigma_data, sum = sigma * sigma + data * data;
    return (SpanDenoiserCoefficients){.skip   = data * data / sum,
                                      .out    = sigma * data / sqrt(sum),
                                      .in     = 1 / sqrt(sum),
                                      .time   = 100 * (log(sigma) + 6),
                                      .weight = sum / (sigma * data * sigma * data)};
  }
  return (SpanDenoiserCoefficients){.skip   = 1,
                                    .out    = -sigma,
                                    .in     = 1 / sqrt(1 + sigma * sigma),
                                    .time   = StepOf(d, log(sigma)),
                                    .weight = 1 / (sigma * sigma)};
}

double SpanDenoiserLevel(const SpanDenoiser *d, double normal, double uniform)
{
  if (d->form == SPAN_DENOISER_EDM) return exp(d->level_mean + d->level_deviation * normal);
  return exp(d->log_sigma[(int)(uniform * span_denoiser_steps)]);
}
