/* The step of a sampler that brings a volume x0 to its data, with total variation along z by one round of ADMM, whose
   state d, u the caller keeps from step to step (Chung, Lee, Ye, DDS, ICLR 2024, arXiv 2303.05754, after DiffusionMBIR,
   arXiv 2211.10655):

     x = CG on (tau I + g N + rho D'D) x = tau x0 + g b + rho D'(d - u), a few steps from x0
     d = shrink(D x + u, lambda / rho),   u = u + D x - d,   shrink(s, t) = sign(s) max(|s| - t, 0)

   N = A'WA, b = A'W y, D the differences along z. tau = 1, rho = 0 is the step of noisy data, tau = 0 the published one
   of volumes, tau = rho = 0 that of noiseless data. All Vecs are of doubles in the layout of the volume. */
#pragma once
#include <petscksp.h>

typedef struct {
  double identity, data, rho, lambda; /* tau, g, rho, lambda */
} SpanAgreementWeights;

typedef struct SpanAgreement_ *SpanAgreement;

/* Collective. `normal` is N, symmetric; `difference` D, NULL: always rho = 0; both and `layout`, whose duplicates the
   solver works on, stay the caller's. KSP: cg without preconditioner, by default `iterations` steps; its options have
   `prefix`. */
PetscErrorCode SpanAgreementCreate(Mat normal, Mat difference, Vec layout, const char prefix[], PetscInt iterations,
                                   SpanAgreement *agreement);
PetscErrorCode SpanAgreementDestroy(SpanAgreement *agreement);
/* Collective. x: x0 in, x out; d, u: changed if rho > 0, else not looked at and may be NULL. Errors: CG diverged. */
PetscErrorCode SpanAgreementRound(SpanAgreement agreement, const SpanAgreementWeights *weights, Vec adjoint, Vec x,
                                  Vec d, Vec u);
/* Vecs that it holds beside those of the caller. */
PetscInt SpanAgreementVecs(PetscBool coupled);
