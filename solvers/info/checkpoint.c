/* Where a job stands by its checkpoint: what is finished, and what is at work. */
#include <subspan/io/hdf5_read.h>
#include <subspan/solvers/info/say.h>
#include <subspan/solvers/train/run.h>

/* The units at work, a row a group: which, and how many steps it has. */
static PetscErrorCode AtWork(const char path[], hid_t file, PetscInt samples, cJSON *json)
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  float *rows, most = -1, least = 0;
  PetscInt groups = 0;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  if (!SpanHdf5Has(file, "active")) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(file, path, "active", &n, dims, &is_complex));
  if (n != 2 || dims[1] != 2) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(2 * dims[0], &rows));
  PetscErrorCode ierr = SpanHdf5ReadFloat(file, path, "active", (hsize_t[]){0, 0}, dims, rows);
  for (hsize_t i = 0; i < dims[0] && !ierr; i++) {
    if (rows[2 * i] < 0) continue;
    least = groups++ ? PetscMin(least, rows[2 * i + 1]) : rows[2 * i + 1];
    most  = PetscMax(most, rows[2 * i + 1]);
  }
  PetscCall(PetscFree(rows));
  PetscCall(ierr);
  if (groups)
    SpanSay(json, "at work", "%" PetscInt_FMT " %s%s, %.0f to %.0f steps done", groups,
            samples > 1 ? "sample" : "slice", groups == 1 ? "" : "s", (double)least, (double)most);
  PetscFunctionReturn(0);
}

static PetscErrorCode Reconstruction(const char path[], hid_t file, cJSON *json)
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  float *records, samples = 1;
  PetscInt done = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, "records", &n, dims, &is_complex));
  if (n != 2) PetscFunctionReturn(0);
  const hsize_t start[2] = {0, 0}, count[2] = {dims[0], 1};
  PetscCall(PetscMalloc1(dims[0], &records));
  PetscCall(SpanHdf5ReadFloat(file, path, "records", start, count, records));
  for (hsize_t i = 0; i < dims[0]; i++) done += records[i] != 0;
  PetscCall(PetscFree(records));
  if (SpanHdf5Has(file, "samples"))
    PetscCall(SpanHdf5ReadFloat(file, path, "samples", (hsize_t[]){0, 0}, (hsize_t[]){1, 1}, &samples));
  if (samples > 1)
    SpanSay(json, "finished", "%lld of %lld samples, %.0f a slice", (long long)done, (long long)dims[0],
            (double)samples);
  else
    SpanSay(json, "finished", "%lld of %lld slices", (long long)done, (long long)dims[0]);
  PetscCall(AtWork(path, file, (PetscInt)samples, json));
  PetscFunctionReturn(0);
}

/* The last row of a table, if it has one. */
static PetscErrorCode LastRow(const char path[], hid_t file, const char name[], hsize_t columns, float row[],
                              PetscBool *there)
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  *there = PETSC_FALSE;
  if (!SpanHdf5Has(file, name)) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(file, path, name, &n, dims, &is_complex));
  if (n != 2 || dims[1] != columns) PetscFunctionReturn(0);
  const hsize_t start[2] = {dims[0] - 1, 0}, count[2] = {1, columns};
  PetscCall(SpanHdf5ReadFloat(file, path, name, start, count, row));
  *there = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Training(const char path[], hid_t file, cJSON *json)
{
  float state[span_train_state], row[span_curve_columns], share;
  PetscBool there;
  PetscFunctionBeginUser;
  PetscCall(LastRow(path, file, "state", span_train_state, state, &there));
  if (there) SpanSay(json, "finished", "%.0f steps in %.0f s", (double)state[0], (double)state[1]);
  PetscCall(LastRow(path, file, "share", 1, &share, &there));
  if (there) SpanSay(json, "share", "%.1f %% of the run", 100 * (double)share);
  PetscCall(LastRow(path, file, "curve", span_curve_columns, row, &there));
  if (there) SpanSay(json, "loss", "%.4g at step %.0f, epoch %.3g", (double)row[2], (double)row[0], (double)row[1]);
  PetscFunctionReturn(0);
}

/* A volume: step, evaluations, whether done, strength, seconds. */
static PetscErrorCode Volume(const char path[], hid_t file, cJSON *json)
{
  float at[5], steps;
  PetscBool there;
  PetscFunctionBeginUser;
  PetscCall(LastRow(path, file, "at", 5, at, &there));
  if (!there) PetscFunctionReturn(0);
  PetscCall(LastRow(path, file, "steps", 1, &steps, &there));
  if (there)
    SpanSay(json, "finished", "%.0f of at most %.0f steps in %.0f s", (double)at[0], (double)steps, (double)at[4]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Prediction(const char path[], hid_t file, cJSON *json)
{
  int n;
  hsize_t dims[span_hdf5_max_dims], frames[span_hdf5_max_dims];
  PetscBool is_complex;
  float *rows;
  double sum = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, "frames", &n, frames, &is_complex));
  PetscCall(SpanHdf5Shape(file, path, "done", &n, dims, &is_complex));
  if (n != 2 || dims[1] != 1) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(dims[0], &rows));
  PetscErrorCode ierr = SpanHdf5ReadFloat(file, path, "done", (hsize_t[]){0, 0}, dims, rows);
  for (hsize_t i = 0; i < dims[0] && !ierr; i++) sum += (double)rows[i];
  PetscCall(PetscFree(rows));
  PetscCall(ierr);
  SpanSay(json, "finished", "%.0f of %lld fields", sum, (long long)frames[0]);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInfoCheckpoint(const char path[], hid_t file, cJSON *json)
{
  PetscFunctionBeginUser;
  SpanSay(json, "kind", "checkpoint");
  SpanSayAttributes(file, json);
  if (SpanHdf5Has(file, "records")) PetscCall(Reconstruction(path, file, json));
  if (SpanHdf5Has(file, "state")) PetscCall(Training(path, file, json));
  if (SpanHdf5Has(file, "at")) PetscCall(Volume(path, file, json));
  if (SpanHdf5Has(file, "done") && SpanHdf5Has(file, "frames")) PetscCall(Prediction(path, file, json));
  SpanSayArrays(file, json);
  PetscFunctionReturn(0);
}
