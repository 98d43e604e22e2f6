/* The compound types of ISMRMRD's HDF5 files, by name, so that the members' order and padding do not matter. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/ismrmrd_file.h>

typedef struct {
  const char *name;
  size_t offset;
  enum { U16, U64, FLOAT3 } type;
} Member;

#define HEAD(field, type)                                                                                              \
  {                                                                                                                    \
#field, offsetof(ISMRMRD_AcquisitionHeader, field), type                                                           \
  }
static const Member head_members[] = {
    HEAD(flags, U64),        HEAD(number_of_samples, U16), HEAD(active_channels, U16),       HEAD(discard_pre, U16),
    HEAD(discard_post, U16), HEAD(center_sample, U16),     HEAD(trajectory_dimensions, U16), HEAD(position, FLOAT3),
    HEAD(read_dir, FLOAT3),  HEAD(phase_dir, FLOAT3),      HEAD(slice_dir, FLOAT3),          {NULL, 0, U16}};
#define COUNTER(field)                                                                                                 \
  {                                                                                                                    \
#field, offsetof(ISMRMRD_EncodingCounters, field), U16                                                             \
  }
static const Member counters[] = {COUNTER(kspace_encode_step_1),
                                  COUNTER(kspace_encode_step_2),
                                  COUNTER(slice),
                                  COUNTER(contrast),
                                  COUNTER(phase),
                                  COUNTER(set),
                                  {NULL, 0, U16}};

/* Whether a compound of the file has all of these members; they are inserted into `memory`. */
static PetscBool Insert(hid_t stored, hid_t memory, const Member members[])
{
  const hsize_t three = 3;
  hid_t vector        = H5Tarray_create2(H5T_NATIVE_FLOAT, 1, &three);
  PetscBool good      = PETSC_TRUE;
  for (int i = 0; members[i].name; i++) {
    hid_t type = members[i].type == U16 ? H5T_NATIVE_UINT16 : members[i].type == U64 ? H5T_NATIVE_UINT64 : vector;
    if (H5Tget_member_index(stored, members[i].name) < 0 ||
        H5Tinsert(memory, members[i].name, members[i].offset, type) < 0)
      good = PETSC_FALSE;
  }
  H5Tclose(vector);
  return good;
}

/* A member of a compound, if it has this class; -1 otherwise. */
static hid_t MemberType(hid_t type, const char name[], H5T_class_t wanted)
{
  int index = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_member_index(type, name) : -1;
  if (index < 0 || H5Tget_member_class(type, (unsigned)index) != wanted) return -1;
  return H5Tget_member_type(type, (unsigned)index);
}

static void Close(hid_t type)
{
  if (type >= 0) H5Tclose(type);
}

/* The types to read heads and numbers by. */
static PetscBool Types(SpanIsmrmrdFile *f)
{
  hid_t stored = H5Dget_type(f->data), head = MemberType(stored, "head", H5T_COMPOUND),
        idx = head < 0 ? -1 : MemberType(head, "idx", H5T_COMPOUND), data = MemberType(stored, "data", H5T_VLEN),
        trajectory = MemberType(stored, "traj", H5T_VLEN);
  PetscBool good   = (PetscBool)(head >= 0 && idx >= 0 && data >= 0 && trajectory >= 0);
  if (good) {
    hid_t memory = H5Tcreate(H5T_COMPOUND, sizeof(ISMRMRD_AcquisitionHeader)),
          nested = H5Tcreate(H5T_COMPOUND, sizeof(ISMRMRD_EncodingCounters)), list = H5Tvlen_create(H5T_NATIVE_FLOAT);
    good     = (PetscBool)(Insert(idx, nested, counters) && Insert(head, memory, head_members));
    f->heads = H5Tcreate(H5T_COMPOUND, sizeof(ISMRMRD_AcquisitionHeader));
    f->body  = H5Tcreate(H5T_COMPOUND, sizeof(hvl_t[2]));
    if (H5Tinsert(memory, "idx", offsetof(ISMRMRD_AcquisitionHeader, idx), nested) < 0 ||
        H5Tinsert(f->heads, "head", 0, memory) < 0 || H5Tinsert(f->body, "data", 0, list) < 0 ||
        H5Tinsert(f->body, "traj", sizeof(hvl_t), list) < 0)
      good = PETSC_FALSE;
    Close(memory);
    Close(nested);
    Close(list);
  }
  hid_t types[] = {stored, head, idx, data, trajectory};
  for (int i = 0; i < 5; i++) Close(types[i]);
  return good;
}

PetscErrorCode SpanIsmrmrdFileOpen(const char path[], SpanIsmrmrdFile *f)
{
  hsize_t dims[H5S_MAX_RANK] = {0};
  PetscBool good             = PETSC_FALSE;
  PetscFunctionBeginUser;
  *f = (SpanIsmrmrdFile){-1, -1, -1, -1, 0};
  PetscCall(SpanHdf5Open(path, &f->file));
  H5E_BEGIN_TRY
  {
    f->data = H5Dopen2(f->file, "dataset/data", H5P_DEFAULT);
    if (f->data >= 0) {
      hid_t space = H5Dget_space(f->data);
      int n       = H5Sget_simple_extent_ndims(space);
      good        = (PetscBool)(n >= 1 && H5Sget_simple_extent_dims(space, dims, NULL) == n);
      good        = (PetscBool)(good && n == 1 && Types(f));
      H5Sclose(space);
    }
  }
  H5E_END_TRY;
  SpanCheckInput(PETSC_COMM_SELF, good, "%s: `dataset/data` is not a list of acquisitions (head, traj, data)", path);
  f->n = dims[0];
  PetscFunctionReturn(0);
}

void SpanIsmrmrdFileClose(SpanIsmrmrdFile *f)
{
  Close(f->heads);
  Close(f->body);
  if (f->data >= 0) H5Dclose(f->data);
  if (f->file >= 0) H5Fclose(f->file);
  *f = (SpanIsmrmrdFile){-1, -1, -1, -1, 0};
}

static herr_t Read(const SpanIsmrmrdFile *f, hid_t type, hsize_t first, hsize_t n, void *out)
{
  herr_t status;
  H5E_BEGIN_TRY
  {
    hid_t space = H5Dget_space(f->data), memory = H5Screate_simple(1, &n, NULL);
    status = H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, NULL, &n, NULL);
    if (status >= 0) status = H5Dread(f->data, type, memory, space, H5P_DEFAULT, out);
    H5Sclose(memory);
    H5Sclose(space);
  }
  H5E_END_TRY;
  return status;
}

PetscErrorCode SpanIsmrmrdFileHeads(const SpanIsmrmrdFile *f, const char path[], hsize_t first, hsize_t n,
                                    ISMRMRD_AcquisitionHeader *heads)
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, Read(f, f->heads, first, n, heads) >= 0,
                 "%s: acquisitions %llu to %llu cannot be read", path, (unsigned long long)first,
                 (unsigned long long)(first + n - 1));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanIsmrmrdFileSamples(const SpanIsmrmrdFile *f, const char path[], hsize_t at, size_t n_data,
                                      size_t n_trajectory, SpanIsmrmrdSamples *s)
{
  PetscFunctionBeginUser;
  *s = (SpanIsmrmrdSamples){0};
  SpanCheckInput(PETSC_COMM_SELF, Read(f, f->body, at, 1, s->stored) >= 0, "%s: acquisition %llu cannot be read", path,
                 (unsigned long long)at);
  size_t data = s->stored[0].len, trajectory = s->stored[1].len;
  s->data       = s->stored[0].p;
  s->trajectory = s->stored[1].p;
  if (data == 2 * n_data && trajectory == n_trajectory) PetscFunctionReturn(0);
  SpanIsmrmrdSamplesFree(f, s);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
          "%s: acquisition %llu has %zu and %zu numbers of data and trajectory, its header says %zu and %zu", path,
          (unsigned long long)at, data, trajectory, 2 * n_data, n_trajectory);
}

void SpanIsmrmrdSamplesFree(const SpanIsmrmrdFile *f, SpanIsmrmrdSamples *s)
{
  const hsize_t one = 1;
  hid_t space       = H5Screate_simple(1, &one, NULL);
  H5Dvlen_reclaim(f->body, space, H5P_DEFAULT, s->stored);
  H5Sclose(space);
  *s = (SpanIsmrmrdSamples){0};
}
