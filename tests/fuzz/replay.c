/* Gives files to a target without libFuzzer: the inputs that once broke a reader, in every build's tests. */
#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
  LLVMFuzzerInitialize(&argc, &argv);
  for (int i = 1; i < argc; i++) {
    FILE *f = fopen(argv[i], "rb");
    if (!f || fseek(f, 0, SEEK_END)) return 1;
    const long size = ftell(f);
    uint8_t *data   = malloc((size_t)size + 1);
    rewind(f);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) return 1;
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
  }
  printf("%d inputs\n", argc - 1);
  return PetscFinalize() ? 1 : 0;
}
