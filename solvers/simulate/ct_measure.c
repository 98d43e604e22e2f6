/* The measurement of CT:

     T = exp(-p), or sum_e s_e exp(-(w_e p_water + b_e p_bone)),   N = Poisson(I0 T) + normal(0, sigma),
     line = log(I0 / max(N, 1/2)).

   Beam hardening. The beam is Kramers' continuum (Phil Mag 46:836, 1923) behind 6 mm of aluminium, seen by a detector
   that adds up energies: s_e ~ (V - E) exp(-mu_Al(E) 6 mm), in steps of 5 keV; characteristic lines are left out.
   w_e and b_e are the attenuation of water and of cortical bone (ICRU-44) at energy E over the beam's mean of it, so
   that thin objects attenuate as their HU say. Attenuation in between is from the tables of Hubbell and Seltzer (NIST
   Standard Reference Database 126), linear in logarithms. A voxel is water up to 100 HU, cortical bone from 1500 HU,
   and a mixture, linear in HU, between. */
#include <subspan/base/random.h>
#include <subspan/solvers/simulate/ct_measure.h>
#include <math.h>

/* Mass attenuation coefficients, cm^2/g. */
enum { n_points = 8, filter_mm = 6 };
static const double energies[n_points]       = {20, 30, 40, 50, 60, 80, 100, 150};
static const double water_mass[n_points]     = {0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1505};
static const double bone_mass[n_points]      = {4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1480};
static const double aluminium_mass[n_points] = {3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378};
static const double aluminium_density        = 2.699;

static double Interpolate(const double table[n_points], double energy)
{
  int i = 0;
  while (i < n_points - 2 && energies[i + 1] < energy) i++;
  const double share = log(energy / energies[i]) / log(energies[i + 1] / energies[i]);
  return table[i] * pow(table[i + 1] / table[i], share);
}

void SpanCTSpectrumSet(double kv, SpanCTSpectrum *s)
{
  double sum = 0, water = 0, bone = 0;
  *s = (SpanCTSpectrum){0};
  for (double energy = 22.5; energy < kv && s->n < span_ct_energies; energy += 5, s->n++) {
    const double filter = Interpolate(aluminium_mass, energy) * aluminium_density * filter_mm / 10;
    s->weights[s->n]    = (kv - energy) * exp(-filter);
    s->water[s->n]      = Interpolate(water_mass, energy);
    s->bone[s->n]       = Interpolate(bone_mass, energy);
    sum += s->weights[s->n];
    water += s->weights[s->n] * s->water[s->n];
    bone += s->weights[s->n] * s->bone[s->n];
  }
  for (int e = 0; e < s->n; e++) {
    s->weights[e] /= sum;
    s->water[e] /= water / sum;
    s->bone[e] /= bone / sum;
  }
}

void SpanCTAttenuation(PetscBool hu, double water, PetscInt64 n, float *values, float *bone)
{
  const float factor = (float)(hu ? water / 1000 : 1), shift = hu ? 1000 : 0;
  const float first = (float)(water * 1.1), all = (float)(water * 2.5); /* 100 and 1500 HU */
#pragma omp parallel for simd
  for (PetscInt64 i = 0; i < n; i++) {
    const float value = (values[i] + shift) * factor;
    values[i]         = value > 0 ? value : 0;
  }
  if (!bone) return;
#pragma omp parallel for simd
  for (PetscInt64 i = 0; i < n; i++) {
    const float share = (values[i] - first) / (all - first);
    bone[i]           = values[i] * (share > 1 ? 1 : share > 0 ? share : 0);
    values[i] -= bone[i];
  }
}

static double Transmission(const SpanCTSpectrum *s, double water, double bone)
{
  double sum = 0;
  for (int e = 0; e < s->n; e++) sum += s->weights[e] * exp(-(s->water[e] * water + s->bone[e] * bone));
  return sum;
}

void SpanCTMeasure(const SpanCTOptions *o, const SpanCTSpectrum *s, const SpanCTPlace *place, float *lines,
                   const float *bone, float *counts)
{
  const PetscInt64 rows = (PetscInt64)place->n_views * place->n_rows;
  const uint64_t seed   = (uint64_t)o->seed;
#pragma omp parallel for schedule(dynamic, 16)
  for (PetscInt64 r = 0; r < rows; r++) {
    const PetscInt64 pixel = place->first + r / place->n_rows * place->view + r % place->n_rows * place->row;
    for (PetscInt j = 0; j < place->n_u; j++) {
      const PetscInt64 i = r * place->n_u + j;
      const uint64_t at  = (uint64_t)(pixel + j);
      double line        = (double)lines[i];
      if (s->n) line = -log(Transmission(s, line, (double)bone[i]));
      if (counts) {
        double count = SpanRandomPoisson(seed, SPAN_RANDOM_PHOTONS, at, o->photons * exp(-line)), normal[2];
        if (o->electronic_noise > 0) {
          SpanRandomNormal(seed, SPAN_RANDOM_ELECTRONS, 0, at, normal);
          count += o->electronic_noise * normal[0];
        }
        counts[i] = (float)count;
        line      = log(o->photons / fmax((double)counts[i], 0.5));
      }
      lines[i] = (float)line;
    }
  }
}
