/* Filtered backprojection of parallel and fan beams, and of circular cones (Feldkamp, Davis, Kress, JOSA A 1:612,
   1984).

     f(x) = sum_views D / W^2 q(u(x)),   q = ramp * (w dt R cos(g) p),

   for a flat detector at distance D from the source, W the depth of x from the source along the normal, g the angle of
   a ray from the line to the axis and R cos(g) how far along it the axis is passed; curved: 1 / L^2, L the distance of
   x from the source; parallel: 1. From Kak & Slaney (sections 3.4.1, 3.4.2), here with the axis beside the normal.
   Cone: p times the cosine of the ray's slope, and q read at (u(x), v(x)).

   dt is the view's share of the angles (its cell between its neighbours), for any set of angles. w shares each line
   among the rays that measured it: with taper c at the ends of a scan that does not close, and b at the shorter side of
   a detector that stands aside of the axis in a scan that does,

     w = c b / (c b + c* b*),   * the same line from the other side: view + pi - 2 g, -g

   (Noo, Defrise, Clackdoyle, Kudo, PMB 47:2525, 2002, which serves short scans as Parker's weights do, and scans that
   are shorter or longer; Wang, Med Phys 29:1634, 2002). A line that no ray measured stays missing: a limited angle.

   Voxels take values between detector pixels by linear interpolation: this backprojection is not the transpose of the
   projector, whose sums ripple where pixels are wider than voxels. */
#pragma once
#include <subspan/operators/imaging/projector.h>
#include <subspan/operators/imaging/ramp.h>

typedef struct SpanFBP_ *SpanFBP;

/* The geometry is checked and copied. Errors (input): a cone whose source leaves its circle. */
PetscErrorCode SpanFBPCreate(const SpanCTGeometry *geometry, const char path[], SpanRampWindow window, SpanFBP *fbp);
PetscErrorCode SpanFBPDestroy(SpanFBP *fbp);
/* Adds what a part's views give its slices. projections: as in SpanProjectorTranspose; volume: (n_slices, ny, nx). The
   same bits for any number of threads, and any parts if they come in the order of views. */
PetscErrorCode SpanFBPAdd(SpanFBP fbp, const SpanProjectorPart *part, const float *projections, float *volume);
/* (n_views, n_u): w dt, without R cos(g). */
void SpanFBPShares(const SpanCTGeometry *geometry, double *shares);
double SpanFBPMemory(const SpanCTGeometry *geometry, PetscInt n_slices);
