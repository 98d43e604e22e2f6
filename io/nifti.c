/* NIfTI in and out. */
#include <subspan/base/error.h>
#include <subspan/io/nifti.h>
#include <math.h>
#include <limits.h>
#include <nifti2_io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

PetscErrorCode SpanNiftiDetect(const char path[], PetscBool *yes)
{
  struct stat status;
  PetscFunctionBeginUser;
  *yes = PETSC_FALSE;
  nifti_set_debug_level(0);
  if (stat(path, &status) || !S_ISREG(status.st_mode)) PetscFunctionReturn(0);
  *yes = (PetscBool)(is_nifti_file(path) > 0);
  PetscFunctionReturn(0);
}

/* The library complains on standard error about headers that it cannot use: those are sorted out before. */
static PetscErrorCode CheckHeader(const char path[])
{
  int version = 0, type = 0;
  PetscBool good = PETSC_FALSE;
  PetscFunctionBeginUser;
  void *header = nifti_read_header(path, &version, 1);
  if (header && version == 1) {
    type = ((nifti_1_header *)header)->datatype;
    good = (PetscBool)(nifti_hdr1_looks_good(header) && nifti_is_valid_datatype(type));
  } else if (header && version == 2) {
    type = ((nifti_2_header *)header)->datatype;
    good = (PetscBool)(nifti_hdr2_looks_good(header) && nifti_is_valid_datatype(type));
  }
  free(header);
  SpanCheckInput(PETSC_COMM_SELF, good, "%s: a NIfTI header that makes no sense (data type %d)", path, type);
  PetscFunctionReturn(0);
}

static PetscErrorCode Header(const char path[], nifti_image **out)
{
  struct stat status;
  PetscFunctionBeginUser;
  nifti_set_debug_level(0);
  PetscCall(CheckHeader(path));
  nifti_image *n = nifti_image_read(path, 0);
  SpanCheckInput(PETSC_COMM_SELF, n, "%s: cannot be read as NIfTI", path);
  SpanCheckInput(PETSC_COMM_SELF,
                 n->nx >= 1 && n->ny >= 1 && n->nz >= 1 && n->nx <= 32768 && n->ny <= 32768 && n->nz <= 32768 &&
                     n->nvox == n->nx * n->ny * n->nz,
                 "%s: %lld x %lld x %lld voxels, %lld in all; one volume of at most 32768 a side can be read", path,
                 (long long)n->nx, (long long)n->ny, (long long)n->nz, (long long)n->nvox);
  SpanCheckInput(PETSC_COMM_SELF,
                 n->datatype == DT_UINT8 || n->datatype == DT_INT8 || n->datatype == DT_INT16 ||
                     n->datatype == DT_UINT16 || n->datatype == DT_INT32 || n->datatype == DT_UINT32 ||
                     n->datatype == DT_FLOAT32 || n->datatype == DT_FLOAT64,
                 "%s: data type %s; integers and real numbers can be read", path, nifti_datatype_string(n->datatype));
  size_t length = strlen(path);
  if (length > 4 && !strcmp(path + length - 4, ".nii"))
    SpanCheckInput(PETSC_COMM_SELF, !stat(path, &status) && (double)status.st_size >= (double)n->nvox * n->nbyper,
                   "%s: %.0f bytes, its voxels need %.0f", path, (double)status.st_size, (double)n->nvox * n->nbyper);
  *out = n;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNiftiReadGrid(const char path[], SpanGrid *grid)
{
  nifti_image *n;
  PetscFunctionBeginUser;
  PetscCall(Header(path, &n));
  *grid          = SpanGridUnknown((PetscInt)n->nz, (PetscInt)n->ny, (PetscInt)n->nx);
  nifti_dmat44 m = n->sform_code > 0 ? n->sto_xyz : n->qto_xyz;
  grid->known    = (PetscBool)(n->sform_code > 0 || n->qform_code > 0);
  for (int j = 0; j < 3; j++) {
    double size = 0;
    for (int i = 0; i < 3; i++) size += m.m[i][j] * m.m[i][j];
    size = sqrt(size);
    if (!grid->known || !(size > 0) || !isfinite(size)) {
      grid->known      = PETSC_FALSE;
      double pixdim    = (double[]){n->dx, n->dy, n->dz}[j];
      grid->spacing[j] = pixdim > 0 && isfinite(pixdim) ? pixdim : 1;
      continue;
    }
    grid->spacing[j] = size;
    for (int i = 0; i < 3; i++) grid->direction[3 * i + j] = (i < 2 ? -1 : 1) * m.m[i][j] / size;
  }
  for (int i = 0; i < 3 && grid->known; i++) grid->origin[i] = (i < 2 ? -1 : 1) * m.m[i][3];
  nifti_image_free(n);
  PetscFunctionReturn(0);
}

static double Voxel(const nifti_image *n, int64_t i)
{
  switch (n->datatype) {
  case DT_UINT8:
    return ((const uint8_t *)n->data)[i];
  case DT_INT8:
    return ((const int8_t *)n->data)[i];
  case DT_INT16:
    return ((const int16_t *)n->data)[i];
  case DT_UINT16:
    return ((const uint16_t *)n->data)[i];
  case DT_INT32:
    return ((const int32_t *)n->data)[i];
  case DT_UINT32:
    return ((const uint32_t *)n->data)[i];
  case DT_FLOAT32:
    return (double)((const float *)n->data)[i];
  default:
    return ((const double *)n->data)[i];
  }
}

PetscErrorCode SpanNiftiRead(const char path[], PetscInt first, PetscInt count, float *data)
{
  nifti_image *n;
  PetscFunctionBeginUser;
  PetscCall(Header(path, &n));
  SpanCheckInput(PETSC_COMM_SELF, !nifti_image_load(n), "%s: its voxels cannot be read (cut short?)", path);
  double slope     = n->scl_slope != 0 && isfinite(n->scl_slope) ? n->scl_slope : 1,
         intercept = n->scl_slope != 0 && isfinite(n->scl_inter) ? n->scl_inter : 0;
  int64_t plane    = n->nx * n->ny;
  for (int64_t i = 0; i < count * plane; i++) {
    double v = slope * Voxel(n, first * plane + i) + intercept;
    SpanCheckInput(PETSC_COMM_SELF, isfinite(v), "%s: voxel %lld is not a finite number", path,
                   (long long)(first * plane + i));
    data[i] = (float)v;
  }
  nifti_image_free(n);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNiftiCheckSize(MPI_Comm comm, const char path[], PetscInt nz, PetscInt ny, PetscInt nx)
{
  const double voxels = (double)nz * (double)ny * (double)nx;
  PetscFunctionBeginUser;
  SpanCheckInput(comm, !path[0] || voxels <= INT_MAX,
                 "%s: %.0f voxels, one rank gathers them for NIfTI and counts to %d: the HDF5 output has all of them",
                 path, voxels, INT_MAX);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNiftiWrite(const char path[], const SpanGrid *g, const float *data)
{
  int64_t dims[8] = {3, g->nx, g->ny, g->nz, 1, 1, 1, 1};
  char part[PETSC_MAX_PATH_LEN];
  PetscFunctionBeginUser;
  size_t length    = strlen(path);
  PetscBool zipped = (PetscBool)(length > 7 && !strcmp(path + length - 7, ".nii.gz")),
            plain  = (PetscBool)(length > 4 && !strcmp(path + length - 4, ".nii"));
  SpanCheckInput(PETSC_COMM_SELF, zipped || plain, "%s: a NIfTI file must end in .nii or .nii.gz", path);
  PetscCall(PetscSNPrintf(part, sizeof part, "%.*s.part%s", (int)(length - (zipped ? 7 : 4)), path,
                          zipped ? ".nii.gz" : ".nii"));
  nifti_set_debug_level(0);
  nifti_image *n = nifti_make_new_nim(dims, DT_FLOAT32, 0);
  PetscCheck(n, PETSC_COMM_SELF, PETSC_ERR_MEM, "%s: no memory for the NIfTI header", path);
  n->xyz_units  = NIFTI_UNITS_MM;
  n->qform_code = n->sform_code = g->known ? NIFTI_XFORM_SCANNER_ANAT : NIFTI_XFORM_UNKNOWN;
  n->pixdim[1] = n->dx = g->spacing[0];
  n->pixdim[2] = n->dy = g->spacing[1];
  n->pixdim[3] = n->dz = g->spacing[2];
  memset(&n->sto_xyz, 0, sizeof n->sto_xyz);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) n->sto_xyz.m[i][j] = (i < 2 ? -1 : 1) * g->direction[3 * i + j] * g->spacing[j];
    n->sto_xyz.m[i][3] = (i < 2 ? -1 : 1) * g->origin[i];
  }
  n->sto_xyz.m[3][3] = 1;
  double unused[3];
  nifti_dmat44_to_quatern(n->sto_xyz, &n->quatern_b, &n->quatern_c, &n->quatern_d, &n->qoffset_x, &n->qoffset_y,
                          &n->qoffset_z, &unused[0], &unused[1], &unused[2], &n->qfac);
  n->pixdim[0] = n->qfac;
  n->data      = (void *)data;
  int bad      = nifti_set_filenames(n, part, 0, 1);
  if (!bad) nifti_image_write(n);
  struct stat status;
  bad     = bad || stat(part, &status) || (plain && (double)status.st_size < (double)n->nvox * n->nbyper);
  n->data = NULL;
  nifti_image_free(n);
  if (bad) unlink(part);
  SpanCheckInput(PETSC_COMM_SELF, !bad && !rename(part, path), "%s: cannot be written", path);
  PetscFunctionReturn(0);
}
