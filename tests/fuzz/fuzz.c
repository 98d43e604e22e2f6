#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <subspan/base/error.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/dev/shm/subspan-fuzz-XXXXXX";

static void Clean(void)
{
  char path[64];
  const char *names[] = {"file.h5", "file.hdr", "file.cfl"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  if (!mkdtemp(folder) || PetscInitializeNoArguments() || SpanErrorHandlerPush()) abort();
  PetscPopSignalHandler(); /* signals are the fuzzer's */
  atexit(Clean);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return 0;
}

static void Write(const char name[], const uint8_t *data, size_t size, char path[64])
{
  snprintf(path, 64, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(data, 1, size, f) != size || fclose(f)) abort();
}

/* What a refusal leaves open, since the program ends with it. */
static void CloseAll(void)
{
  hid_t ids[256];
  ssize_t n;
  while ((n = H5Fget_obj_ids((hid_t)H5F_OBJ_ALL, H5F_OBJ_DATASET | H5F_OBJ_GROUP | H5F_OBJ_ATTR, 256, ids)) > 0)
    for (ssize_t i = 0; i < n; i++) H5Oclose(ids[i]) < 0 ? (void)H5Aclose(ids[i]) : (void)0;
  while ((n = H5Fget_obj_ids((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE, 256, ids)) > 0)
    for (ssize_t i = 0; i < n; i++) H5Fclose(ids[i]);
}

/* "HDR" and text up to a zero byte: BART's pair of files, the rest its numbers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char path[64], other[64];
  const uint8_t *end = size > 4 && !memcmp(data, "HDR", 3) ? memchr(data, 0, size) : NULL;
  if (end) {
    Write("file.hdr", data + 3, (size_t)(end - data) - 3, path);
    Write("file.cfl", end + 1, size - (size_t)(end - data) - 1, other);
  } else {
    Write("file.h5", data, size, path);
  }
  const PetscErrorCode ierr = FuzzRead(path);
  if (end) unlink(path);
  CloseAll();
  if (!ierr) return 0;
  const char *message = SpanErrorMessage();
  if (ierr == PETSC_ERR_USER_INPUT && strstr(message, folder) && !strchr(message, '\n')) return 0;
  fprintf(stderr, "error %d: %s\n", (int)ierr, message);
  abort();
}
