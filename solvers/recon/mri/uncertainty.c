/* Correlation and coverage from sums, and the quantile of Student's t. */
#include <subspan/solvers/recon/mri/uncertainty.h>
#include <math.h>

SpanErrorSums SpanErrorSum(PetscInt pixels, const float *mean, const float *deviation, const float *reference,
                           double threshold, double interval)
{
  SpanErrorSums s = {0};
  for (PetscInt i = 0; i < pixels; i++) {
    const double r = (double)reference[i], d = (double)deviation[i], e = fabs((double)mean[i] - r);
    if (r <= threshold) continue;
    s.n++;
    s.d += d;
    s.e += e;
    s.dd += d * d;
    s.ee += e * e;
    s.de += d * e;
    s.covered += e <= interval * d;
  }
  return s;
}

void SpanErrorFigures(PetscInt n_slices, const SpanErrorSums *sums, double *correlation, double *coverage)
{
  SpanErrorSums s = {0};
  for (PetscInt i = 0; i < n_slices; i++) {
    s.n += sums[i].n;
    s.d += sums[i].d;
    s.e += sums[i].e;
    s.dd += sums[i].dd;
    s.ee += sums[i].ee;
    s.de += sums[i].de;
    s.covered += sums[i].covered;
  }
  const double d = s.n * s.dd - s.d * s.d, e = s.n * s.ee - s.e * s.e;
  *correlation = d > 0 && e > 0 ? (s.n * s.de - s.d * s.e) / (sqrt(d) * sqrt(e)) : NAN;
  *coverage    = s.n > 0 ? s.covered / s.n : NAN;
}

/* The 0.95 quantile of Student's t: exact for 1 and 2 degrees of freedom; from 3 on Abramowitz and Stegun, Handbook of
   Mathematical Functions, 26.7.5, which is 5e-4 off at 3 and nearer at each one more. */
static double Student(PetscInt freedom)
{
  const double n = (double)freedom, x = 1.6448536269514722, y = x * x;
  if (freedom == 1) return tan(0.45 * M_PI);
  if (freedom == 2) return 0.9 * sqrt(2 / 0.19);
  const double g1 = x * (y + 1) / 4, g2 = x * ((5 * y + 16) * y + 3) / 96,
               g3 = x * (((3 * y + 19) * y + 17) * y - 15) / 384,
               g4 = x * ((((79 * y + 776) * y + 1482) * y - 1920) * y - 945) / 92160;
  return x + (g1 + (g2 + (g3 + g4 / n) / n) / n) / n;
}

double SpanErrorInterval90(PetscInt samples) { return Student(samples - 1) * sqrt(1 + 1 / (double)samples); }
