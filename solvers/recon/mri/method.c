/* The table of methods, and what they have in common. */
#include <subspan/solvers/recon/mri/method.h>
#include <string.h>

const SpanReconMethod *SpanReconMethodFind(const char name[])
{
  static const SpanReconMethod *const methods[] = {&SpanReconZeroFilled, &SpanReconCG,       &SpanReconWavelet,
                                                   &SpanReconTV,         &SpanReconDDS,      &SpanReconDiffPIR,
                                                   &SpanReconPnP,        &SpanReconAnnealed, &SpanReconDPS};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
    if (!strcmp(methods[i]->name, name)) return methods[i];
  return NULL;
}

PetscErrorCode SpanReconSolverCreate(const SpanReconMethod *method, const SpanReconProblem *problem,
                                     SpanReconSolver *out)
{
  SpanReconSolver solver;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&solver));
  solver->method  = method;
  solver->problem = problem;
  solver->change = solver->level = solver->residual = NAN;
  PetscCall(method->create(solver));
  *out = solver;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconSolverDestroy(SpanReconSolver *solver)
{
  PetscFunctionBeginUser;
  if (!*solver) PetscFunctionReturn(0);
  PetscCall((*solver)->method->destroy(*solver));
  PetscCall(PetscFree(*solver));
  PetscFunctionReturn(0);
}
