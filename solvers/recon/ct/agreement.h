/* The step of a sampler that brings a volume x0 to its data, with total variation along z by one round of ADMM, whose
   state d, u the caller keeps from step to step (Chung, Lee, Ye, DDS, ICLR 2024, arXiv 2303.05754, after DiffusionMBIR,
   arXiv 2211.10655):

     x = CG on (g N + rho D'D) x = g b + rho D'(d - u), a few steps from x0
     d = shrink(D x + u, lambda / rho),   u = u + D x - d,   shrink(s, t) = sign(s) max(|s| - t, 0)

   N = A'A, b = A'y, D the differences along z; rho = 0 is the step without coupling. All Vecs are of doubles in the
   layout of the volume. */
#pragma once
#include <petscksp.h>

typedef struct {
  double data, rho, lambda; /* g, rho, lambda */
} SpanAgreementWeights;

typedef struct SpanAgreement_ *SpanAgreement;

/* Collective. `normal` is N, symmetric; `difference` D, NULL: always rho = 0; both and `layout`, whose duplicates the
   solver works on, stay the caller's. KSP: cg without preconditioner, by default `iterations` steps; its options have
   `prefix`. */
PetscErrorCode SpanAgreementCreate(Mat normal, Mat difference, Vec layout, const char prefix[], PetscInt iterations,
                                   SpanAgreement *agreement);
PetscErrorCode SpanAgreementDestroy(SpanAgreement *agreement);
/* Collective. x: x0 in, x out; d, u: changed if rho > 0, else not looked at and may be NULL. reason: of
   the end of CG, which the caller looks at. */
PetscErrorCode SpanAgreementRound(SpanAgreement agreement, const SpanAgreementWeights *weights, Vec adjoint, Vec x,
                                  Vec d, Vec u, KSPConvergedReason *reason);
/* Vecs that it holds beside those of the caller. */
PetscInt SpanAgreementVecs(PetscBool coupled);
