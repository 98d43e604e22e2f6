/* The denoiser's forms against their papers' formulas. */
#include "test.h"
#include <subspan/operators/networks/denoiser.h>

static void close_to(double a, double b) { assert_true(fabs(a - b) <= 1e-9 * fmax(1, fabs(b))); }

/* Table 1 of Karras et al.; the network then sees input and target of unit variance at every level. */
static void edm(void **state)
{
  SpanDenoiser d = {.form = SPAN_DENOISER_EDM, .sigma_data = 0.25, .level_mean = -2.2, .level_deviation = 1.3};
  SpanDenoiserSet(&d);
  for (double sigma = 0.002; sigma < 20; sigma *= 3) {
    const SpanDenoiserCoefficients c = SpanDenoiserAt(&d, sigma);
    close_to(c.skip, 0.0625 / (sigma * sigma + 0.0625));
    close_to(c.out, sigma * 0.25 / sqrt(sigma * sigma + 0.0625));
    close_to(c.in, 1 / sqrt(sigma * sigma + 0.0625));
    close_to(c.weight, (sigma * sigma + 0.0625) / (sigma * sigma * 0.0625));
    close_to(c.weight * c.out * c.out, 1);
    close_to((pow(1 - c.skip, 2) * 0.0625 + pow(c.skip * sigma, 2)) / (c.out * c.out), 1);
    close_to(c.in * c.in * (sigma * sigma + 0.0625), 1);
    close_to(c.time, 100 * (log(sigma) + 6));
  }
  close_to(SpanDenoiserLevel(&d, 1.5, 0), exp(-2.2 + 1.5 * 1.3));
}

static void variance_preserving(void **state)
{
  SpanDenoiser linear = {.form = SPAN_DENOISER_VP_LINEAR}, cosine = {.form = SPAN_DENOISER_VP_COSINE};
  double a = 1;
  SpanDenoiserSet(&linear);
  SpanDenoiserSet(&cosine);
  for (int t = 0; t < 1000; t++) {
    a *= 1 - (1e-4 + (0.02 - 1e-4) * t / 999);
    const double sigma               = sqrt((1 - a) / a);
    const SpanDenoiserCoefficients c = SpanDenoiserAt(&linear, sigma);
    close_to(c.time, t);
    close_to(c.skip, 1);
    close_to(c.out, -sigma);
    close_to(c.in, sqrt(a)); /* in x = sqrt(a) x is the x_t that the network was made for */
    close_to(c.weight, 1 / (sigma * sigma));
    close_to(SpanDenoiserLevel(&linear, 0, (t + 0.5) / 1000), sigma);
  }
  /* a_t of Nichol and Dhariwal, equation 17, for the step from t to t + 1. */
  const double f0 = pow(cos(0.008 / 1.008 * M_PI / 2), 2), f500 = pow(cos((0.5 + 0.008) / 1.008 * M_PI / 2), 2);
  close_to(SpanDenoiserAt(&cosine, sqrt((1 - f500 / f0) / (f500 / f0))).time, 499);
  /* Between steps time is interpolated, beyond them it stays. */
  const double between = exp(0.5 * (linear.log_sigma[10] + linear.log_sigma[11]));
  close_to(SpanDenoiserAt(&linear, between).time, 10.5);
  close_to(SpanDenoiserAt(&linear, 1e-9).time, 0);
  close_to(SpanDenoiserAt(&linear, 1e9).time, 999);
}

TEST_MAIN(cmocka_unit_test(edm), cmocka_unit_test(variance_preserving))
