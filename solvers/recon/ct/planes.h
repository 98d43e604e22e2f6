/* How near a volume is to a reference, seen in planes of the three directions. Planes whose reference stays below a
   tenth of its maximum hold nothing but air, which is easy: they are left out. */
#pragma once
#include <subspan/operators/imaging/slabs.h>

typedef struct {
  double psnr, ssim; /* means over the planes; NaN where a plane is too small for SSIM's window of 7 */
} SpanPlanesQuality;

typedef struct {
  SpanPlanesQuality axial, coronal, sagittal; /* planes of constant z, y, x */
  double psnr, nrmse;                         /* over all voxels at once */
  double data_range;                          /* the reference's maximum: of all figures */
} SpanVolumeQuality;

/* Collective: of this rank's slices, both in units where air is 0. The same bits on any number of ranks. */
PetscErrorCode SpanPlanesCompare(SpanSlabs slabs, const float *volume, const float *reference,
                                 SpanVolumeQuality *quality);
