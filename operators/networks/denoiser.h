/* A denoiser D(x; sigma), the estimate of a clean image from x = clean + sigma noise, made from a network F:

     D(x; sigma) = skip x + out F(in x; time)

   EDM (Karras et al. 2022, arXiv 2206.00364): skip = d^2 / (sigma^2 + d^2), out = sigma d / sqrt(sigma^2 + d^2),
   in = 1 / sqrt(sigma^2 + d^2) with d the data's standard deviation; loss weight (sigma^2 + d^2) / (sigma d)^2; ln
   sigma is normal in training. time = 100 (ln sigma + 6), which the sinusoidal embedding resolves.

   VP noise prediction (Ho et al. 2020; Nichol and Dhariwal 2021): F estimates the noise of x_t = sqrt(a_t) clean +
   sqrt(1 - a_t) noise, that is of x = x_t / sqrt(a_t) with sigma_t = sqrt((1 - a_t) / a_t): skip = 1, out = -sigma, in
   = 1 / sqrt(1 + sigma^2), weight 1 / sigma^2; time = t, 0 to 999, between steps by interpolation of ln sigma. Linear:
   beta from 1e-4 to 0.02; cosine: a_t = cos^2((t / T + 0.008) / 1.008 pi / 2), beta at most 0.999. */
#pragma once
#include <petscsys.h>

typedef enum { SPAN_DENOISER_EDM, SPAN_DENOISER_VP_LINEAR, SPAN_DENOISER_VP_COSINE } SpanDenoiserForm;

enum { span_denoiser_steps = 1000 };

typedef struct {
  SpanDenoiserForm form;
  double sigma_data;                     /* EDM */
  double level_mean, level_deviation;    /* EDM: of ln sigma in training */
  double log_sigma[span_denoiser_steps]; /* VP: set by SpanDenoiserSet */
} SpanDenoiser;

typedef struct {
  double skip, out, in, time;
  double weight; /* of |D - clean|^2 in the loss */
} SpanDenoiserCoefficients;

/* "edm", "vp_linear", "vp_cosine": the names of the forms, NULL-ended. */
extern const char *const SpanDenoiserForms[];

/* Fills the tables of a form; the other fields are the caller's. */
void SpanDenoiserSet(SpanDenoiser *denoiser);
SpanDenoiserCoefficients SpanDenoiserAt(const SpanDenoiser *denoiser, double sigma);
/* A noise level for training: from a standard normal number (EDM), or from a uniform one in (0, 1) (VP). */
double SpanDenoiserLevel(const SpanDenoiser *denoiser, double normal, double uniform);
