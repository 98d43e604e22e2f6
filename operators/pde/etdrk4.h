/* Exponential time differencing of fourth order for u_t = -lambda u + N(u), mode by mode with lambda >= 0: the linear
   part is exact, however stiff (Cox and Matthews, J. Comput. Phys. 176, 2002, ETDRK4).

   A segment of time is walked in steps of segment / 2^j, so that its end is met exactly and only a few step sizes
   occur. j follows the flow: with r the rate that N works at (velocity times the largest wave number), a step h has
   h r min(1, sqrt(5 / (lambda_max h))) at most `courant`; modes that the linear part damps by e^-5 in a step do not
   count. Steps are a function of the solution alone. */
#pragma once
#include <petscsys.h>
#include <complex.h>

typedef struct SpanEtdrk4_ *SpanEtdrk4;

/* N of u; *rate is set in the first stage of a step, and rate is NULL in the others. */
typedef void (*SpanEtdrk4Function)(void *context, const double complex *u, double complex *n, double *rate);

/* lambda: (n), copied. */
PetscErrorCode SpanEtdrk4Create(PetscInt n, const double *lambda, double courant, SpanEtdrk4Function function,
                                void *context, SpanEtdrk4 *solver);
PetscErrorCode SpanEtdrk4Destroy(SpanEtdrk4 *solver);
/* From now on the first n modes alone; the function is given as many. */
void SpanEtdrk4SetModes(SpanEtdrk4 solver, PetscInt n);
/* Advances u by `segment` in steps of at most `longest`; adds to *steps. Errors (input): the solution is not finite, or
   the step would be shorter than segment / 2^24. */
PetscErrorCode SpanEtdrk4Advance(SpanEtdrk4 solver, double segment, double longest, double complex *u, PetscInt *steps);
/* Bytes for n modes. */
double SpanEtdrk4Memory(PetscInt n);
