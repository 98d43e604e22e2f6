/* Checked reading of HDF5 data sets. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <math.h>
#include <string.h>

PetscErrorCode SpanHdf5Open(const char path[], hid_t *file)
{
  PetscFunctionBeginUser;
  H5E_BEGIN_TRY { *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT); }
  H5E_END_TRY;
  SpanCheckInput(PETSC_COMM_SELF, *file >= 0, "%s: cannot be opened as HDF5 (damaged, cut short, or no permission)",
                 path);
  PetscFunctionReturn(0);
}

PetscBool SpanHdf5Detect(const char path[], const char name[])
{
  hid_t file;
  htri_t there = 0;
  H5E_BEGIN_TRY
  {
    if (H5Fis_hdf5(path) > 0 && (file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)) >= 0) {
      there = H5Lexists(file, name, H5P_DEFAULT);
      H5Fclose(file);
    }
  }
  H5E_END_TRY;
  return (PetscBool)(there > 0);
}

PetscBool SpanHdf5Has(hid_t file, const char name[])
{
  htri_t there;
  H5O_info_t info;
  H5E_BEGIN_TRY
  {
    there = H5Lexists(file, name, H5P_DEFAULT);
    if (there > 0) there = H5Oget_info_by_name1(file, name, &info, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_DATASET;
  }
  H5E_END_TRY;
  return (PetscBool)(there > 0);
}

/* h5py's complex: a compound of two floating-point members r and i. */
static PetscBool IsComplex(hid_t type)
{
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return PETSC_FALSE;
  int r = H5Tget_member_index(type, "r"), i = H5Tget_member_index(type, "i");
  if (r < 0 || i < 0) { /* ISMRMRD's spelling */
    r = H5Tget_member_index(type, "real");
    i = H5Tget_member_index(type, "imag");
  }
  return (PetscBool)(r >= 0 && i >= 0 && H5Tget_member_class(type, (unsigned)r) == H5T_FLOAT &&
                     H5Tget_member_class(type, (unsigned)i) == H5T_FLOAT);
}

static hid_t ComplexType(hid_t file_type)
{
  PetscBool short_names = (PetscBool)(H5Tget_member_index(file_type, "r") >= 0);
  hid_t type            = H5Tcreate(H5T_COMPOUND, sizeof(float complex));
  H5Tinsert(type, short_names ? "r" : "real", 0, H5T_NATIVE_FLOAT);
  H5Tinsert(type, short_names ? "i" : "imag", sizeof(float), H5T_NATIVE_FLOAT);
  return type;
}

PetscErrorCode SpanHdf5Shape(hid_t file, const char path[], const char name[], int *n_dims, hsize_t dims[],
                             PetscBool *is_complex)
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, SpanHdf5Has(file, name), "%s: it has no data set `%s`", path, name);
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  H5T_class_t kind            = H5Tget_class(type);
  int n                       = H5Sget_simple_extent_ndims(space);
  hsize_t found[H5S_MAX_RANK] = {0};
  if (n > 0) H5Sget_simple_extent_dims(space, found, NULL);
  hsize_t stored = H5Dget_storage_size(dataset), size = H5Tget_size(type), file_size = 0;
  H5D_layout_t layout;
  hid_t plist = H5Dget_create_plist(dataset);
  layout      = H5Pget_layout(plist);
  hid_t whole = H5Iget_file_id(file); /* `file` may be a group */
  H5Fget_filesize(whole, &file_size);
  H5Fclose(whole);
  PetscBool numbers         = (PetscBool)(kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM),
            complex_numbers = IsComplex(type);
  int external              = H5Pget_external_count(plist);
  H5Pclose(plist);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, numbers || complex_numbers,
                 "%s: `%s` holds neither numbers nor complex numbers (compound r, i)", path, name);
  SpanCheckInput(PETSC_COMM_SELF, layout != H5D_VIRTUAL && external == 0,
                 "%s: `%s` points to other files, which are not followed", path, name);
  SpanCheckInput(PETSC_COMM_SELF, n >= 1 && n <= span_hdf5_max_dims, "%s: `%s` has %d dimensions, must have 1 to %d",
                 path, name, n, span_hdf5_max_dims);
  double elements = 1;
  for (int i = 0; i < n; i++) {
    SpanCheckInput(PETSC_COMM_SELF, found[i] > 0, "%s: `%s`: dimension %d has size 0", path, name, i);
    elements *= (double)found[i];
    dims[i] = found[i];
  }
  SpanCheckInput(PETSC_COMM_SELF, elements <= 0x1p40, "%s: `%s` has %.3g elements, more than 2^40", path, name,
                 elements);
  SpanCheckInput(PETSC_COMM_SELF, layout != H5D_CONTIGUOUS || (double)stored >= elements * (double)size,
                 "%s: `%s`: %.0f bytes are stored, its shape needs %.0f", path, name, (double)stored,
                 elements * (double)size);
  SpanCheckInput(PETSC_COMM_SELF, stored <= file_size, "%s: `%s`: %.0f bytes are claimed, the file has %.0f", path,
                 name, (double)stored, (double)file_size);
  *n_dims     = n;
  *is_complex = complex_numbers;
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckFinite(const char path[], const char name[], size_t n, const float *data)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite(data[i]),
                   "%s: `%s`: element %zu of the part read is %g, not a finite number", path, name, i, (double)data[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadSlab(hid_t file, const char path[], const char name[], const hsize_t start[],
                               const hsize_t stride[], const hsize_t count[], PetscBool as_complex, float *data)
{
  int n;
  hsize_t dims[span_hdf5_max_dims], elements = 1;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, name, &n, dims, &is_complex));
  for (int i = 0; i < n; i++) elements *= count[i];
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset),
        memory    = H5Screate_simple(n, count, NULL);
  hid_t file_type = H5Dget_type(dataset), type = is_complex ? ComplexType(file_type) : H5Tcopy(H5T_NATIVE_FLOAT);
  herr_t status;
  H5E_BEGIN_TRY
  {
    status = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, stride, count, NULL);
    if (status >= 0) status = H5Dread(dataset, type, memory, space, H5P_DEFAULT, data);
  }
  H5E_END_TRY;
  H5Tclose(type);
  H5Tclose(file_type);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, status >= 0,
                 "%s: `%s` cannot be read (damaged, cut short, or compressed by an unknown filter)", path, name);
  if (as_complex && !is_complex)
    for (hsize_t i = elements; i-- > 0;) {
      data[2 * i]     = data[i];
      data[2 * i + 1] = 0;
    }
  if (!as_complex && is_complex)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%s: `%s` is complex, real numbers are needed", path, name);
  PetscCall(CheckFinite(path, name, (size_t)elements * (as_complex ? 2 : 1), data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5ReadFloat(hid_t file, const char path[], const char name[], const hsize_t start[],
                                 const hsize_t count[], float *data)
{
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5ReadStrided(file, path, name, start, NULL, count, data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5ReadStrided(hid_t file, const char path[], const char name[], const hsize_t start[],
                                   const hsize_t stride[], const hsize_t count[], float *data)
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, name, &n, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, !is_complex, "%s: `%s` is complex, real numbers are needed", path, name);
  PetscCall(ReadSlab(file, path, name, start, stride, count, PETSC_FALSE, data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5ReadComplex(hid_t file, const char path[], const char name[], const hsize_t start[],
                                   const hsize_t count[], float complex *data)
{
  PetscFunctionBeginUser;
  PetscCall(ReadSlab(file, path, name, start, NULL, count, PETSC_TRUE, (float *)data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5ReadIntegers(hid_t file, const char path[], const char name[], const hsize_t start[],
                                    const hsize_t count[], int64_t *data)
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  herr_t status = -1;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, name, &n, dims, &is_complex));
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset),
        memory = H5Screate_simple(n, count, NULL), type = H5Dget_type(dataset),
        base              = H5Tget_class(type) == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type);
  const PetscBool integer = (PetscBool)(H5Tget_class(base) == H5T_INTEGER);
  /* An enumeration is read as it lies in the file: HDF5 turns it into no integer. */
  const size_t size = H5Tget_class(type) == H5T_ENUM ? H5Tget_size(type) : 0;
  H5E_BEGIN_TRY
  {
    if (integer && size <= 1 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
      status = H5Dread(dataset, size ? type : H5T_NATIVE_INT64, memory, space, H5P_DEFAULT, data);
  }
  H5E_END_TRY;
  if (size == 1) /* NOLINTNEXTLINE(bugprone-signed-char-misuse): bytes are signed here */
    for (hssize_t i = H5Sget_simple_extent_npoints(memory); i-- > 0;) data[i] = ((const signed char *)data)[i];
  H5Tclose(base);
  H5Tclose(type);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, integer && size <= 1, "%s: `%s` must hold integers", path, name);
  SpanCheckInput(PETSC_COMM_SELF, status >= 0,
                 "%s: `%s` cannot be read (damaged, cut short, or compressed by an unknown filter)", path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5Attribute(hid_t file, const char name[], PetscInt n, double *values, PetscBool *found)
{
  PetscFunctionBeginUser;
  *found = PETSC_FALSE;
  if (H5Aexists(file, name) <= 0) PetscFunctionReturn(0);
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), space = H5Aget_space(attribute), type = H5Aget_type(attribute);
  H5T_class_t kind = H5Tget_class(type);
  if ((kind == H5T_INTEGER || kind == H5T_FLOAT) && H5Sget_simple_extent_npoints(space) == n)
    *found = (PetscBool)(H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0);
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  PetscFunctionReturn(0);
}

PetscBool SpanHdf5Text(hid_t place, const char name[], char text[], size_t size)
{
  if (H5Aexists(place, name) <= 0) return PETSC_FALSE;
  hid_t attribute = H5Aopen(place, name, H5P_DEFAULT), type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  PetscBool good = (PetscBool)(H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1);
  memset(text, 0, size);
  if (good && H5Tis_variable_str(type)) {
    char *found = NULL;
    good        = (PetscBool)(H5Aread(attribute, type, &found) >= 0 && found && strlen(found) < size);
    if (good) strcpy(text, found);
    if (found) H5free_memory(found);
  } else if (good) {
    good = (PetscBool)(H5Tget_size(type) < size && H5Aread(attribute, type, text) >= 0);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return good;
}

PetscErrorCode SpanHdf5ReadDoubles(hid_t file, const char path[], const char name[], PetscInt n, double *values)
{
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, name, &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, !is_complex && n_dims == 1, "%s: `%s` must be one row of real numbers", path, name);
  SpanCheckInput(PETSC_COMM_SELF, dims[0] == (hsize_t)n, "%s: `%s` has %llu numbers, %lld are needed", path, name,
                 (unsigned long long)dims[0], (long long)n);
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  herr_t status;
  H5E_BEGIN_TRY { status = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values); }
  H5E_END_TRY;
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, status >= 0, "%s: `%s` cannot be read (damaged or cut short)", path, name);
  for (PetscInt i = 0; i < n; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite(values[i]), "%s: `%s`[%lld] is %g, not a finite number", path, name,
                   (long long)i, values[i]);
  PetscFunctionReturn(0);
}
