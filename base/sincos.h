/* Sine and cosine of a number of turns, without branches or calls: a loop over them vectorises. */
#pragma once

/* sin and cos of 2 pi `turns`; error below 1e-10 for |turns| < 2^20. */
static inline void SpanSinCosTurns(double turns, double *sine, double *cosine)
{
  const double quarter = __builtin_rint(4 * turns), x = 6.283185307179586477 * (turns - 0.25 * quarter), y = x * x;
  const int k = (int)quarter & 3;
  const double s =
      x * (1 + y * (-1. / 6 + y * (1. / 120 + y * (-1. / 5040 + y * (1. / 362880 - y * (1. / 39916800))))));
  const double c =
      1 +
      y * (-1. / 2 + y * (1. / 24 + y * (-1. / 720 + y * (1. / 40320 + y * (-1. / 3628800 + y * (1. / 479001600))))));
  const double a = k & 1 ? c : s, b = k & 1 ? s : c;
  *sine   = k & 2 ? -a : a;
  *cosine = (k + 1) & 2 ? -b : b;
}
