/* The ramp filter of filtered backprojection along detector rows,

     q(u) = int p(u') h(u - u') du',   H(f) = |f| W(f / f_Nyquist),

   by the band-limited kernel in space (Ramachandran & Lakshminarayanan, PNAS 68:2236, 1971; Kak & Slaney, Principles of
   Computerized Tomographic Imaging, eq. 3.61): h[0] = 1 / (4 t^2), h[n] = -1 / (pi n t)^2 for odd n, else 0. Sampling
   |f| in frequency instead would lose the mean. Rows are padded with zeros to at least twice their length. Windows:

     ramp 1,   hann (1 + cos(pi w)) / 2,   shepp-logan sin(pi w / 2) / (pi w / 2),   w = f / f_Nyquist.

   On a curved detector (equiangular, eq. 3.102) t is an angle and h[n] becomes h[n] (n t / sin(n t))^2. */
#pragma once
#include <petscsys.h>

typedef enum { SPAN_RAMP, SPAN_RAMP_HANN, SPAN_RAMP_SHEPP_LOGAN } SpanRampWindow;

typedef struct SpanRamp_ *SpanRamp;

/* n: pixels of a row; pitch: from one to the next, mm, or where `curved` radians. */
PetscErrorCode SpanRampCreate(PetscInt n, double pitch, PetscBool curved, SpanRampWindow window, SpanRamp *ramp);
PetscErrorCode SpanRampDestroy(SpanRamp *ramp);
/* In place: n_rows rows, `stride` floats from one to the next. Threaded; the same bits for any number of threads. */
PetscErrorCode SpanRampApply(SpanRamp ramp, PetscInt n_rows, PetscInt stride, float *rows);
