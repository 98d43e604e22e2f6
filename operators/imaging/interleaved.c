/* Conversion between Vecs of doubles and arrays of floats and of float complex. */
#include <subspan/operators/imaging/interleaved.h>

PetscErrorCode SpanInterleavedCreate(PetscInt n, Vec *vec)
{
  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 2 * n, vec));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVecToFloats(Vec vec, PetscInt n, float *out)
{
  const double *x;
  PetscInt length;
  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(vec, &length));
  PetscCheck(length == n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a Vec of %" PetscInt_FMT " doubles where %" PetscInt_FMT " are expected", length, n);
  PetscCall(VecGetArrayRead(vec, &x));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) out[i] = (float)x[i];
  PetscCall(VecRestoreArrayRead(vec, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVecFromFloats(Vec vec, PetscInt n, const float *in)
{
  double *x;
  PetscInt length;
  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(vec, &length));
  PetscCheck(length == n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a Vec of %" PetscInt_FMT " doubles where %" PetscInt_FMT " are expected", length, n);
  PetscCall(VecGetArrayWrite(vec, &x));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) x[i] = in[i];
  PetscCall(VecRestoreArrayWrite(vec, &x));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInterleavedToComplex(Vec vec, PetscInt n, float complex *out)
{
  return SpanVecToFloats(vec, 2 * n, (float *)out);
}

PetscErrorCode SpanInterleavedFromComplex(Vec vec, PetscInt n, const float complex *in)
{
  return SpanVecFromFloats(vec, 2 * n, (const float *)in);
}
