/* The prior's side of tests/benchmarks/denoise.py: every N-th image of a set with real and imaginary noise, denoised in
   one evaluation.

     benchmark-denoise -model prior.h5 -images brains_val.h5 -every 10 -noise 0.02,0.05,0.1,0.2 -output out.h5

   Noise is a share of the image's maximum. out.h5 has clean (n, ny, nx) and, each with the noise level in front, noisy
   and denoised: the real parts. */
#include <slepcsys.h>
#include <subspan/base/error.h>
#include <subspan/base/initialize.h>
#include <subspan/base/random.h>
#include <subspan/io/hdf5_write.h>
#include <subspan/io/images.h>
#include <subspan/operators/networks/prior.h>

enum { most_levels = 16 };

typedef struct {
  SpanTape tape;
  SpanPrior prior;
  SpanImages images;
  PetscInt n, ny, nx, every, n_levels;
  PetscReal level[most_levels];
  float *clean, *noisy, *denoised;
} Bench;

static PetscErrorCode One(Bench *b, PetscInt level, PetscInt at)
{
  const PetscInt pixels = b->ny * b->nx;
  const float *clean    = b->clean + at * pixels;
  float *noisy = b->noisy + (level * b->n + at) * pixels, *denoised = b->denoised + (level * b->n + at) * pixels;
  SpanTensor x, y;
  double top = 0;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < pixels; i++) top = PetscMax(top, (double)clean[i]);
  const double sigma = b->level[level] * top;
  PetscCall(SpanTensorCreate(SpanTapeArena(b->tape), SPAN_FLOAT32, 4, (PetscInt64[4]){1, b->ny, b->nx, 2}, &x));
  SpanRandomNormals(1, SPAN_RANDOM_TEST, (uint32_t)level, (uint64_t)(2 * at * pixels), (size_t)(2 * pixels),
                    SpanTensorFloats(x));
  for (PetscInt i = 0; i < pixels; i++) {
    SpanTensorFloats(x)[2 * i] = noisy[i] = clean[i] + (float)sigma * SpanTensorFloats(x)[2 * i];
    SpanTensorFloats(x)[2 * i + 1] *= (float)sigma;
  }
  PetscCall(SpanPriorDenoise(b->tape, b->prior, PETSC_COMM_SELF, x, &sigma, NULL, &y));
  for (PetscInt i = 0; i < pixels; i++) denoised[i] = SpanTensorFloats(y)[2 * i];
  PetscCall(SpanTensorDestroy(&x));
  PetscCall(SpanTensorDestroy(&y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(const Bench *b, const char path[])
{
  const hsize_t dims[4] = {(hsize_t)b->n_levels, (hsize_t)b->n, (hsize_t)b->ny, (hsize_t)b->nx}, start[4] = {0};
  const char *names[] = {"clean", "noisy", "denoised"};
  const float *data[] = {b->clean, b->noisy, b->denoised};
  hid_t file;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Create(PETSC_COMM_SELF, path, path, &file));
  for (int i = 0; i < 3; i++) {
    const int first = i ? 0 : 1;
    hid_t set       = SpanHdf5CreateArray(file, names[i], H5T_NATIVE_FLOAT, 4 - first, dims + first);
    PetscCheck(SpanHdf5WriteSlab(set, H5T_NATIVE_FLOAT, 4 - first, start, dims + first, PETSC_TRUE, data[i]) >= 0,
               PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: cannot be written", path);
    H5Dclose(set);
  }
  H5Fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench b = {.every = 10, .n_levels = most_levels};
  PetscInt all;
  char model[PETSC_MAX_PATH_LEN], images[PETSC_MAX_PATH_LEN], output[PETSC_MAX_PATH_LEN];
  const char *path = images;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-model", model, sizeof model, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-images", images, sizeof images, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-output", output, sizeof output, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-every", &b.every, NULL));
  PetscCall(PetscOptionsGetRealArray(NULL, NULL, "-noise", b.level, &b.n_levels, NULL));
  PetscCall(SpanImagesOpen(PETSC_COMM_SELF, 1, &path, &b.images));
  SpanImagesSize(b.images, &all, &b.ny, &b.nx);
  b.n = (all + b.every - 1) / b.every;
  PetscCall(SpanTapeCreate(&b.tape));
  PetscCall(SpanPriorLoad(PETSC_COMM_SELF, model, b.tape, &b.prior));
  const PetscInt size = b.n * b.ny * b.nx;
  PetscCall(PetscMalloc3(size, &b.clean, b.n_levels * size, &b.noisy, b.n_levels * size, &b.denoised));
  for (PetscInt i = 0; i < b.n; i++) SpanImagesGet(b.images, i * b.every, b.clean + i * b.ny * b.nx);
  for (PetscInt l = 0; l < b.n_levels; l++)
    for (PetscInt i = 0; i < b.n; i++) PetscCall(One(&b, l, i));
  PetscCall(Save(&b, output));
  PetscCall(PetscFree3(b.clean, b.noisy, b.denoised));
  PetscCall(SpanPriorDestroy(&b.prior));
  PetscCall(SpanTapeDestroy(&b.tape));
  PetscCall(SpanImagesClose(&b.images));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(Run());
  return SlepcFinalize();
}
