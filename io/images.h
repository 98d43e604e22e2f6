/* A set of images to train on: slices of image volumes (io/volume.h: the HDF5 of `image` times its attribute `scale`,
   fastMRI-like, VTKHDF, NIfTI), several files joined in the order given. The whole set is in memory, once a node, in 16
   bits a pixel: value = low + scale q with low and scale of each image, so that integers of 16 bits stay as they are to
   rounding, and other numbers to 1e-5 of the image's range. */
#pragma once
#include <petscsys.h>

typedef struct SpanImages_ *SpanImages;

/* Collective. Errors (input): a file that is no image volume, images of another size than the first file's (both are
   named), values that are not finite, an image set without contrast,
   a set that is larger than the free memory. */
PetscErrorCode SpanImagesOpen(MPI_Comm comm, int n_paths, const char *const paths[], SpanImages *images);
PetscErrorCode SpanImagesClose(SpanImages *images);
void SpanImagesSize(SpanImages images, PetscInt *n, PetscInt *ny, PetscInt *nx);
/* Where the image is known: first row, end row, first column, end column, from the data set `extent` (n, 4) of an HDF5
   file. False: the file has none, and all of the image counts. */
PetscBool SpanImagesExtent(SpanImages images, PetscInt index, PetscInt extent[4]);
/* A hash of all files' contents, to know the set again. */
const char *SpanImagesHash(SpanImages images);
/* The value below which `share` of all the pixels above 0 lie. */
double SpanImagesPercentile(SpanImages images, double share);
/* image: (ny, nx). Not collective, safe from threads. */
void SpanImagesGet(SpanImages images, PetscInt index, float *image);
/* The set's memory in bytes, of which a node has one. */
double SpanImagesMemory(SpanImages images);
