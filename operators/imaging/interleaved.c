/* Conversion between interleaved double Vecs and float complex arrays. */
#include <subspan/operators/imaging/interleaved.h>

PetscErrorCode SpanInterleavedCreate(PetscInt n, Vec *vec)
{
  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 2 * n, vec));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInterleavedToComplex(Vec vec, PetscInt n, float complex *out)
{
  const double *x;
  float *f = (float *)out;
  PetscInt length;
  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(vec, &length));
  PetscCheck(length == 2 * n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a Vec of %" PetscInt_FMT " doubles where %" PetscInt_FMT " complex numbers are expected", length, n);
  PetscCall(VecGetArrayRead(vec, &x));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < length; i++) f[i] = (float)x[i];
  PetscCall(VecRestoreArrayRead(vec, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInterleavedFromComplex(Vec vec, PetscInt n, const float complex *in)
{
  double *x;
  const float *f = (const float *)in;
  PetscInt length;
  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(vec, &length));
  PetscCheck(length == 2 * n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a Vec of %" PetscInt_FMT " doubles where %" PetscInt_FMT " complex numbers are expected", length, n);
  PetscCall(VecGetArrayWrite(vec, &x));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < length; i++) x[i] = f[i];
  PetscCall(VecRestoreArrayWrite(vec, &x));
  PetscFunctionReturn(0);
}
