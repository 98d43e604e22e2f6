/* The grid of a fastMRI file from its ISMRMRD header. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/ismrmrd_header.h>
#include <subspan/io/scan_private.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

enum { longest_header = 1 << 24 };

PetscErrorCode SpanIsmrmrdHeaderText(int64_t file, const char path[], const char name[], char **text)
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, SpanHdf5Has(file, name), "%s: `%s` is missing", path, name);
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  PetscBool string = (PetscBool)(H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1);
  herr_t status    = -1;
  *text            = NULL;
  H5E_BEGIN_TRY
  {
    if (string && H5Tis_variable_str(type) > 0) {
      char *stored = NULL;
      status       = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &stored);
      if (status >= 0 && stored) *text = strdup(stored);
      if (stored) H5Dvlen_reclaim(type, space, H5P_DEFAULT, &stored);
    } else if (string && H5Tget_size(type) < longest_header) {
      *text  = calloc(H5Tget_size(type) + 1, 1);
      status = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text);
    }
  }
  H5E_END_TRY;
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, status >= 0 && *text, "%s: `%s` is not a readable text", path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanIsmrmrdHeaderGrid(int64_t file, SpanScanInfo *info)
{
  SpanIsmrmrdHeader h;
  char *xml, reason[256] = "";
  PetscFunctionBeginUser;
  PetscCall(SpanIsmrmrdHeaderText(file, info->path, "ismrmrd_header", &xml));
  int bad = SpanIsmrmrdHeaderParse(xml, &h, reason, sizeof reason);
  free(xml);
  SpanCheckInput(PETSC_COMM_SELF, !bad, "%s: `ismrmrd_header` cannot be parsed: %s", info->path, reason);
  /* fastMRI: rows are the readout (x), columns the phase encoding (y). */
  int *recon  = h.recon_matrix;
  double *fov = h.recon_fov;
  SpanCheckInput(PETSC_COMM_SELF, recon[0] >= 1 && recon[1] >= 1 && fov[0] > 0 && fov[1] > 0,
                 "%s: `ismrmrd_header`: reconSpace is %d x %d over %g x %g mm", info->path, recon[0], recon[1], fov[0],
                 fov[1]);
  info->grid.ny         = PetscMin(recon[0], info->ny);
  info->grid.nx         = PetscMin(recon[1], info->nx);
  info->grid.spacing[0] = fov[1] / recon[1];
  info->grid.spacing[1] = fov[0] / recon[0];
  info->grid.spacing[2] = fov[2] > 0 ? fov[2] / PetscMax(1, recon[2]) : 1;
  PetscFunctionReturn(0);
}
