/* Reads sets of fields: our own, and the published ones of the neuraloperator library. */
#include <subspan/base/error.h>
#include <subspan/io/fields.h>
#include <subspan/io/hdf5_read.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct SpanFields_ {
  char path[PETSC_MAX_PATH_LEN];
  const char *input, *output; /* names of the data sets; output NULL: there is none */
  hid_t file, place;          /* place: the file, or its group */
  SpanFieldsInfo info;
};

static PetscInt Points(const SpanFieldsInfo *info)
{
  PetscInt n = 1;
  for (int i = 0; i < info->n_dims; i++) n *= info->n[i];
  return n;
}

PetscInt SpanFieldsInputSize(const SpanFieldsInfo *info)
{
  return info->in_channels * PetscMax(1, info->in_times) * Points(info);
}

PetscInt SpanFieldsOutputSize(const SpanFieldsInfo *info)
{
  return info->out_channels * PetscMax(1, info->out_times) * Points(info);
}

static PetscBool HoldsPair(hid_t place)
{
  return (PetscBool)((SpanHdf5Has(place, "input") && SpanHdf5Has(place, "output")) ||
                     (SpanHdf5Has(place, "x") && SpanHdf5Has(place, "y")));
}

/* A pair, or inputs alone. */
static PetscBool HoldsInput(hid_t place) { return (PetscBool)(HoldsPair(place) || SpanHdf5Has(place, "input")); }

/* The names of the groups that hold a pair. */
typedef struct {
  char names[512];
  int n;
} Groups;

static herr_t AddGroup(hid_t file, const char *name, const H5L_info_t *link, void *context)
{
  Groups *groups = context;
  H5O_info_t info;
  if (H5Oget_info_by_name1(file, name, &info, H5P_DEFAULT) < 0 || info.type != H5O_TYPE_GROUP) return 0;
  hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
  if (group < 0) return 0;
  if (HoldsPair(group)) {
    size_t at = strlen(groups->names);
    snprintf(groups->names + at, sizeof groups->names - at, "%s%s", groups->n++ ? ", " : "", name);
  }
  H5Gclose(group);
  return 0;
}

static void FindGroups(hid_t file, Groups *groups)
{
  *groups = (Groups){.n = 0};
  H5E_BEGIN_TRY { H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, AddGroup, groups); }
  H5E_END_TRY;
}

void SpanFieldsGroups(const char path[], char names[512])
{
  Groups groups = {.n = 0};
  H5E_BEGIN_TRY
  {
    hid_t file = H5Fis_hdf5(path) > 0 ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
    if (file >= 0) {
      FindGroups(file, &groups);
      H5Fclose(file);
    }
  }
  H5E_END_TRY;
  snprintf(names, 512, "%s", groups.names);
}

PetscBool SpanFieldsDetect(const char path[])
{
  PetscBool yes = PETSC_FALSE;
  Groups groups;
  H5E_BEGIN_TRY
  {
    hid_t file = H5Fis_hdf5(path) > 0 ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
    if (file >= 0) {
      yes = HoldsPair(file);
      if (!yes) {
        FindGroups(file, &groups);
        yes = (PetscBool)(groups.n > 0);
      }
      H5Fclose(file);
    }
  }
  H5E_END_TRY;
  return yes;
}

/* The place that holds the pair. */
static PetscErrorCode OpenPlace(SpanFields f, const char group[])
{
  Groups groups;
  PetscFunctionBeginUser;
  FindGroups(f->file, &groups);
  if (!group[0]) {
    SpanCheckInput(PETSC_COMM_SELF, HoldsInput(f->file) || groups.n > 0,
                   "%s: not a set of fields, which has data sets input and output", f->path);
    SpanCheckInput(PETSC_COMM_SELF, HoldsInput(f->file), "%s: it has several sets, name one of them: %s", f->path,
                   groups.names);
    f->place = H5Gopen2(f->file, "/", H5P_DEFAULT);
  } else {
    H5E_BEGIN_TRY { f->place = H5Gopen2(f->file, group, H5P_DEFAULT); }
    H5E_END_TRY;
    SpanCheckInput(PETSC_COMM_SELF, f->place >= 0 && HoldsInput(f->place), "%s: no set of fields `%s` in it%s%s",
                   f->path, group, groups.n ? "; it has " : "", groups.names);
  }
  const PetscBool published = (PetscBool)(SpanHdf5Has(f->place, "x") && SpanHdf5Has(f->place, "y"));
  const PetscBool pair      = (PetscBool)(SpanHdf5Has(f->place, "input") && SpanHdf5Has(f->place, "output"));
  f->input                  = published && !pair ? "x" : "input";
  f->output                 = pair ? "output" : published ? "y" : NULL;
  PetscFunctionReturn(0);
}

/* The axes. A field has a time axis if the file gives its times; in published sets the output has one if it has one
   axis more than the input. */
static PetscErrorCode Axes(SpanFields f)
{
  SpanFieldsInfo *i = &f->info;
  int n_in, n_out;
  hsize_t in[span_hdf5_max_dims], out[span_hdf5_max_dims];
  PetscBool is_complex, in_time, out_time;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(f->place, f->path, f->input, &n_in, in, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, !is_complex, "%s: `%s` is complex, real numbers are needed", f->path, f->input);
  PetscCall(SpanHdf5Attribute(f->place, "input_times", 2, i->in_time, &in_time));
  if (!f->output) { /* as an output of the same axes and no channel */
    n_out  = n_in - (int)in_time;
    out[0] = in[0];
    out[1] = 0;
    for (int k = 2; k < n_out; k++) out[k] = in[k + (int)in_time];
    out_time = PETSC_FALSE;
  } else {
    PetscCall(SpanHdf5Shape(f->place, f->path, f->output, &n_out, out, &is_complex));
    SpanCheckInput(PETSC_COMM_SELF, !is_complex, "%s: `%s` is complex, real numbers are needed", f->path, f->output);
    PetscCall(SpanHdf5Attribute(f->place, "output_times", 2, i->out_time, &out_time));
  }
  if (!in_time && !out_time) out_time = (PetscBool)(n_out == n_in + 1);
  i->n_dims = n_in - 2 - (int)in_time;
  SpanCheckInput(PETSC_COMM_SELF, i->n_dims >= 1 && i->n_dims <= span_fields_max_dims,
                 "%s: `%s` has %d axes, which leaves %d of space, must be 1 to %d", f->path, f->input, n_in, i->n_dims,
                 span_fields_max_dims);
  SpanCheckInput(PETSC_COMM_SELF, n_out == i->n_dims + 2 + (int)out_time,
                 "%s: `%s` has %d axes and `%s` has %d, which do not fit each other", f->path, f->input, n_in,
                 f->output, n_out);
  SpanCheckInput(PETSC_COMM_SELF, in[0] == out[0], "%s: `%s` has %llu samples, `%s` has %llu", f->path, f->input,
                 (unsigned long long)in[0], f->output, (unsigned long long)out[0]);
  for (int k = 0; k < i->n_dims; k++) {
    hsize_t a = in[n_in - i->n_dims + k], b = out[n_out - i->n_dims + k];
    SpanCheckInput(PETSC_COMM_SELF, a == b, "%s: axis %d of space has %llu points in `%s`, %llu in `%s`", f->path, k,
                   (unsigned long long)a, f->input, (unsigned long long)b, f->output);
    i->n[k]      = (PetscInt)a;
    i->length[k] = 1;
  }
  i->n_samples    = (PetscInt)in[0];
  i->in_channels  = (PetscInt)in[1];
  i->out_channels = (PetscInt)out[1];
  i->in_times     = in_time ? (PetscInt)in[2] : 0;
  i->out_times    = out_time ? (PetscInt)out[2] : 0;
  double bytes    = 1;
  for (int k = 1; k < PetscMax(n_in, n_out); k++)
    bytes *= (double)PetscMax(k < n_in ? in[k] : 1, k < n_out ? out[k] : 1);
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, f->path, "a sample", PetscMax(bytes, (double)in[0])));
  PetscFunctionReturn(0);
}

static herr_t AddParameter(hid_t group, const char *name, const H5A_info_t *attribute, void *context)
{
  SpanFieldsInfo *i      = context;
  SpanFieldsParameter *p = &i->parameters[i->n_parameters];
  PetscBool found;
  char units[64];
  if (i->n_parameters == span_fields_max_parameters || strlen(name) >= sizeof p->name) return 0;
  if (SpanHdf5Attribute(group, name, 1, &p->value, &found) || !found) return 0;
  snprintf(p->name, sizeof p->name, "%s", name);
  snprintf(units, sizeof units, "%s_units", name);
  if (!SpanHdf5Text(group, units, p->units, sizeof p->units)) snprintf(p->units, sizeof p->units, "1");
  i->n_parameters++;
  return 0;
}

/* What the file says about itself, as far as it does. */
static PetscErrorCode Describe(SpanFields f)
{
  SpanFieldsInfo *i = &f->info;
  char points[32]   = "left_closed";
  double seed       = -1, length[span_fields_max_dims];
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Attribute(f->place, "length", i->n_dims, length, &found));
  for (int k = 0; k < i->n_dims && found; k++) {
    SpanCheckInput(PETSC_COMM_SELF, isfinite(length[k]) && length[k] > 0, "%s: length %g of axis %d is not above 0",
                   f->path, length[k], k);
    i->length[k] = length[k];
  }
  if (SpanHdf5Text(f->place, "points", points, sizeof points))
    SpanCheckInput(PETSC_COMM_SELF, !strcmp(points, "left_closed") || !strcmp(points, "closed"),
                   "%s: points `%s`, must be left_closed or closed", f->path, points);
  i->points = strcmp(points, "closed") ? SPAN_FIELDS_LEFT_CLOSED : SPAN_FIELDS_CLOSED;
  if (!SpanHdf5Text(f->place, "equation", i->equation, sizeof i->equation) &&
      !SpanHdf5Text(f->file, "pde", i->equation, sizeof i->equation))
    i->equation[0] = 0;
  if (!SpanHdf5Text(f->place, "boundary", i->boundary, sizeof i->boundary)) i->boundary[0] = 0;
  const char *names[2] = {f->input, f->output};
  char *texts[2]       = {i->input, i->output};
  for (int k = 0; k < (f->output ? 2 : 1); k++) {
    hid_t array = H5Dopen2(f->place, names[k], H5P_DEFAULT);
    if (!SpanHdf5Text(array, "description", texts[k], sizeof i->input)) texts[k][0] = 0;
    H5Dclose(array);
  }
  PetscCall(SpanHdf5Attribute(f->place, "seed", 1, &seed, &found));
  i->seed = (int64_t)seed;
  hid_t group;
  H5E_BEGIN_TRY
  {
    group = H5Gopen2(f->place, "parameters", H5P_DEFAULT);
    if (group >= 0) {
      H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, NULL, AddParameter, i);
      H5Gclose(group);
    } else {
      H5Aiterate2(f->place, H5_INDEX_NAME, H5_ITER_INC, NULL, AddParameter, i); /* published: viscosity of a group */
    }
  }
  H5E_END_TRY;
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenLocal(SpanFields f, const char group[])
{
  struct stat status;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, !stat(f->path, &status), "%s: no such file", f->path);
  SpanCheckInput(PETSC_COMM_SELF, S_ISREG(status.st_mode) && H5Fis_hdf5(f->path) > 0,
                 "%s: not a set of fields, which is an HDF5 file with data sets input and output", f->path);
  PetscCall(SpanHdf5Open(f->path, &f->file));
  PetscCall(OpenPlace(f, group));
  PetscCall(Axes(f));
  PetscCall(Describe(f));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFieldsOpen(MPI_Comm comm, const char path[], const char group[], SpanFields *fields)
{
  SpanFields f;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  f->file = f->place = -1;
  PetscCall(PetscStrncpy(f->path, path, sizeof f->path));
  PetscErrorCode ierr = OpenLocal(f, group);
  if (ierr) PetscCall(SpanFieldsClose(&f));
  PetscCall(SpanErrorAgree(comm, ierr));
  *fields = f;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFieldsClose(SpanFields *fields)
{
  PetscFunctionBeginUser;
  if (!*fields) PetscFunctionReturn(0);
  if ((*fields)->place >= 0) H5Gclose((*fields)->place);
  if ((*fields)->file >= 0) H5Fclose((*fields)->file);
  PetscCall(PetscFree(*fields));
  PetscFunctionReturn(0);
}

const SpanFieldsInfo *SpanFieldsGetInfo(SpanFields f) { return &f->info; }

PetscErrorCode SpanFieldsSubsample(SpanFields f, PetscInt stride, SpanFieldsBox *box)
{
  const PetscInt closed = f->info.points == SPAN_FIELDS_CLOSED;
  PetscFunctionBeginUser;
  for (int k = 0; k < f->info.n_dims; k++) {
    const PetscInt intervals = f->info.n[k] - closed;
    SpanCheckInput(PETSC_COMM_SELF, stride >= 1 && intervals % stride == 0 && intervals >= stride,
                   "%s: stride %" PetscInt_FMT " does not divide the %" PetscInt_FMT " intervals of axis %d", f->path,
                   stride, intervals, k);
    box->start[k]  = 0;
    box->stride[k] = stride;
    box->count[k]  = intervals / stride + closed;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Read(SpanFields f, const char name[], PetscInt channels, PetscInt times, PetscInt first,
                           PetscInt n, const SpanFieldsBox *box, float *data)
{
  hsize_t start[span_hdf5_max_dims] = {(hsize_t)first}, stride[span_hdf5_max_dims], count[span_hdf5_max_dims];
  int at                            = 0;
  PetscFunctionBeginUser;
  if (n == 0) PetscFunctionReturn(0);
  SpanCheckInput(PETSC_COMM_SELF, first >= 0 && n > 0 && first + n <= f->info.n_samples,
                 "%s: samples %" PetscInt_FMT " to %" PetscInt_FMT " are asked for, it has %" PetscInt_FMT, f->path,
                 first, first + n, f->info.n_samples);
  for (int k = 0; k < span_hdf5_max_dims; k++) stride[k] = 1;
  count[at++] = (hsize_t)n;
  count[at++] = (hsize_t)channels;
  if (times) count[at++] = (hsize_t)times;
  for (int k = 1; k < at; k++) start[k] = 0;
  for (int k = 0; k < f->info.n_dims; k++, at++) {
    const PetscInt last = box->start[k] + (box->count[k] - 1) * box->stride[k];
    PetscCheck(box->start[k] >= 0 && box->stride[k] >= 1 && box->count[k] >= 1 && last < f->info.n[k], PETSC_COMM_SELF,
               PETSC_ERR_ARG_OUTOFRANGE, "axis %d: points %" PetscInt_FMT " to %" PetscInt_FMT " of %" PetscInt_FMT, k,
               box->start[k], last, f->info.n[k]);
    start[at]  = (hsize_t)box->start[k];
    stride[at] = (hsize_t)box->stride[k];
    count[at]  = (hsize_t)box->count[k];
  }
  PetscCall(SpanHdf5ReadStrided(f->place, f->path, name, start, stride, count, data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFieldsReadInput(SpanFields f, PetscInt first, PetscInt count, const SpanFieldsBox *box, float *data)
{
  PetscFunctionBeginUser;
  PetscCall(Read(f, f->input, f->info.in_channels, f->info.in_times, first, count, box, data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFieldsReadOutput(SpanFields f, PetscInt first, PetscInt count, const SpanFieldsBox *box, float *data)
{
  PetscFunctionBeginUser;
  PetscCall(Read(f, f->output, f->info.out_channels, f->info.out_times, first, count, box, data));
  PetscFunctionReturn(0);
}
