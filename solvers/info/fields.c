/* What a set of fields is. */
#include <subspan/base/error.h>
#include <subspan/io/fields.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/solvers/info/say.h>
#include <stdio.h>
#include <string.h>

static void Shape(char text[128], PetscInt channels, PetscInt times, const double time[2], const SpanFieldsInfo *i)
{
  size_t at = (size_t)snprintf(text, 128, "%" PetscInt_FMT " channel%s of ", channels, channels == 1 ? "" : "s");
  for (int k = 0; k < i->n_dims; k++)
    at += (size_t)snprintf(text + at, 128 - at, "%s%" PetscInt_FMT, k ? " x " : "", i->n[k]);
  if (times) at += (size_t)snprintf(text + at, 128 - at, " at %" PetscInt_FMT " times", times);
  if (times && time[1] > time[0]) snprintf(text + at, 128 - at, ", %.6g to %.6g", time[0], time[1]);
}

/* Samples whose checksum is there, as they are in an unfinished set. */
static PetscErrorCode Finished(hid_t file, const char path[], PetscInt n, PetscInt *finished)
{
  float *checksums;
  int n_dims;
  hsize_t dims[span_hdf5_max_dims], start = 0;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  *finished = n;
  if (!SpanHdf5Has(file, "checksum")) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(file, path, "checksum", &n_dims, dims, &is_complex));
  if (n_dims != 1 || dims[0] != (hsize_t)n) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &checksums));
  PetscErrorCode ierr = SpanHdf5ReadFloat(file, path, "checksum", &start, dims, checksums);
  *finished           = 0;
  for (PetscInt k = 0; k < n && !ierr; k++) *finished += checksums[k] > 0;
  PetscCall(PetscFree(checksums));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanInfoFields(const char path[], const char group[], hid_t file, cJSON *json)
{
  SpanFields fields;
  char text[128], groups[512];
  PetscInt finished;
  PetscFunctionBeginUser;
  SpanSay(json, "kind", "set of fields");
  SpanFieldsGroups(path, groups);
  if (groups[0] && !group[0]) {
    SpanSay(json, "sets", "%s; --group NAME says what one is", groups);
    PetscFunctionReturn(0);
  }
  PetscCall(SpanFieldsOpen(PETSC_COMM_SELF, path, group, &fields));
  const SpanFieldsInfo *i = SpanFieldsGetInfo(fields);
  PetscCall(Finished(file, path, i->n_samples, &finished));
  if (finished == i->n_samples)
    SpanSay(json, "samples", "%" PetscInt_FMT, i->n_samples);
  else
    SpanSay(json, "samples", "%" PetscInt_FMT " of %" PetscInt_FMT " are finished", finished, i->n_samples);
  if (i->equation[0]) SpanSay(json, "equation", "%s", i->equation);
  Shape(text, i->in_channels, i->in_times, i->in_time, i);
  SpanSay(json, "input", "%s%s%s", i->input, i->input[0] ? ", " : "", text);
  Shape(text, i->out_channels, i->out_times, i->out_time, i);
  SpanSay(json, "output", "%s%s%s", i->output, i->output[0] ? ", " : "", text);
  SpanSay(json, "points", "%s", i->points == SPAN_FIELDS_CLOSED ? "i L / (n - 1), both ends" : "i L / n");
  if (i->boundary[0]) SpanSay(json, "boundary", "%s", i->boundary);
  for (int k = 0; k < i->n_dims; k++)
    snprintf(text + (k ? strlen(text) : 0), 40, "%s%.6g", k ? " x " : "", i->length[k]);
  SpanSay(json, "domain", "%s", text);
  for (int k = 0; k < i->n_parameters; k++)
    SpanSay(json, i->parameters[k].name, "%.9g%s%s", i->parameters[k].value,
            strcmp(i->parameters[k].units, "1") ? " " : "",
            strcmp(i->parameters[k].units, "1") ? i->parameters[k].units : "");
  if (i->seed >= 0) SpanSay(json, "seed", "%lld", (long long)i->seed);
  PetscCall(SpanFieldsClose(&fields));
  SpanSayProvenance(file, json);
  PetscFunctionReturn(0);
}
