/* The table of CT methods, and what they have in common. */
#include <subspan/solvers/recon/ct/method.h>
#include <string.h>

const SpanCTMethod *SpanCTMethodFind(const char name[])
{
  static const SpanCTMethod *const methods[] = {&SpanCTFBP,  &SpanCTFDK, &SpanCTCGLS, &SpanCTTikhonov,
                                                &SpanCTSIRT, &SpanCTTV,  &SpanCTPWLS, &SpanCTDDS};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
    if (!strcmp(methods[i]->name, name)) return methods[i];
  return NULL;
}

PetscErrorCode SpanCTSolverCreate(const SpanCTMethod *method, const SpanCTProblem *problem, SpanCTSolver *out)
{
  SpanCTSolver solver;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&solver));
  solver->method  = method;
  solver->problem = problem;
  solver->steps   = 1;
  solver->change  = NAN;
  PetscCall(method->create(solver));
  *out = solver;
  PetscFunctionReturn(0);
}

void SpanCTSolverStepped(SpanCTSolver solver, PetscInt least, double tolerance, double change, double size)
{
  const SpanCTProblem *p = solver->problem;
  if (p->tolerance > 0) tolerance = p->tolerance;
  solver->iteration++;
  solver->change        = sqrt(change / size);
  const PetscBool still = (PetscBool)(change <= tolerance * tolerance * size);
  solver->done =
      (PetscBool)(solver->iteration >= solver->steps || (!p->iterations && solver->iteration >= least && still));
}

PetscErrorCode SpanCTSolverDestroy(SpanCTSolver *solver)
{
  PetscFunctionBeginUser;
  if (!*solver) PetscFunctionReturn(0);
  PetscCall((*solver)->method->destroy(*solver));
  PetscCall(PetscFree(*solver));
  PetscFunctionReturn(0);
}
