/* How `subspan info` says things: a line on standard output, the same in the JSON. */
#pragma once
#include <cjson/cJSON.h>
#include <hdf5.h>
#include <petscsys.h>
#include <subspan/io/model.h>

void SpanSay(cJSON *json, const char key[], const char format[], ...) __attribute__((format(printf, 3, 4)));
/* The text attributes of a place; the names and shapes of a file's arrays; its group `provenance`, if there is one. */
void SpanSayAttributes(hid_t place, cJSON *json);
void SpanSayArrays(hid_t file, cJSON *json);
void SpanSayProvenance(hid_t file, cJSON *json);

/* What these files are; path names them in errors. Errors (input): a damaged file. */
PetscErrorCode SpanInfoCheckpoint(const char path[], hid_t file, cJSON *json);
PetscErrorCode SpanInfoProjections(const char path[], const char scan[], cJSON *json);
PetscErrorCode SpanInfoModel(const char path[], hid_t file, cJSON *json);
PetscErrorCode SpanInfoFields(const char path[], const char group[], hid_t file, cJSON *json);
/* The parts of an open model that are its kind's own: what it is, and how it did on its validation set. */
PetscErrorCode SpanInfoOperator(const char path[], SpanModel model, cJSON *json);
PetscErrorCode SpanInfoOperatorValidation(SpanModel model, cJSON *json);
