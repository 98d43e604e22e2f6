/* HDF5 files made wrong: what the tests of readers share. */
#pragma once
#include "test.h"
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline void hostile_copy(const char *from, const char *to, double share)
{
  char *bytes;
  long size;
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  assert_true(in && out);
  fseek(in, 0, SEEK_END);
  size  = ftell(in);
  bytes = malloc((size_t)size);
  rewind(in);
  assert_true(fread(bytes, 1, (size_t)size, in) == (size_t)size);
  size = (long)(share * (double)size);
  assert_true(fwrite(bytes, 1, (size_t)size, out) == (size_t)size);
  fclose(out);
  fclose(in);
  free(bytes);
}

/* A data set of these dimensions, with all values given or, values NULL, in chunks of which none is stored. */
static inline void hostile_array(hid_t place, const char *name, hid_t type, int n, const hsize_t dims[],
                                 const void *values)
{
  const hsize_t chunk[6] = {1, 1, 1, 1, 1, 1};
  hid_t space = H5Screate_simple(n, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  if (H5Lexists(place, name, H5P_DEFAULT) > 0) H5Ldelete(place, name, H5P_DEFAULT);
  if (!values) H5Pset_chunk(list, n, chunk);
  hid_t array = H5Dcreate2(place, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  assert_true(array >= 0);
  if (values) assert_true(H5Dwrite(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(array);
  H5Pclose(list);
  H5Sclose(space);
}

static inline void hostile_numbers(hid_t place, const char *name, hsize_t n, const double values[])
{
  hid_t space = H5Screate_simple(1, &n, NULL);
  if (H5Aexists(place, name) > 0) H5Adelete(place, name);
  hid_t attribute = H5Acreate2(place, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_DOUBLE, values) >= 0);
  H5Aclose(attribute);
  H5Sclose(space);
}

static inline void hostile_text(hid_t place, const char *name, const char *text)
{
  hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, strlen(text) + 1);
  if (H5Aexists(place, name) > 0) H5Adelete(place, name);
  hid_t attribute = H5Acreate2(place, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(attribute >= 0 && H5Awrite(attribute, type, text) >= 0);
  H5Aclose(attribute);
  H5Tclose(type);
  H5Sclose(space);
}

/* The call met an input error that names the file and holds all of `words` ("a|b|c"), in one line. */
static inline void hostile_refused(PetscErrorCode ierr, const char *path, const char *words)
{
  char copy[256];
  const char *message = SpanErrorMessage();
  if (ierr != PETSC_ERR_USER_INPUT) fail_msg("error %d, not an input error, where %s was wrong", (int)ierr, words);
  if (!strstr(message, path) || strchr(message, '\n')) fail_msg("`%s` does not name %s in one line", message, path);
  snprintf(copy, sizeof copy, "%s", words);
  for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
    if (!strstr(message, word)) fail_msg("`%s` does not hold `%s`", message, word);
}
