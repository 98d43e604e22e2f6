/* A coefficient as an object that PETSc composes with a DM. */
#include <subspan/operators/pde/coefficient.h>
#include <string.h>

static const char coefficient_name[] = "SpanCoefficient", weight_name[] = "SpanCoefficientWeight";

PetscErrorCode SpanCoefficientAttach(DM grid, SpanCoefficient *coefficient, Vec weight)
{
  PetscContainer container;
  PetscFunctionBeginUser;
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)grid), &container));
  PetscCall(PetscContainerSetPointer(container, coefficient));
  PetscCall(PetscObjectCompose((PetscObject)grid, coefficient_name, (PetscObject)container));
  PetscCall(PetscContainerDestroy(&container));
  PetscCall(VecSetDM(weight, NULL)); /* or each would hold the other */
  PetscCall(PetscObjectCompose((PetscObject)grid, weight_name, (PetscObject)weight));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCoefficientQuery(DM grid, SpanCoefficient **coefficient, Vec *weight)
{
  PetscObject container, vector;
  PetscFunctionBeginUser;
  *coefficient = NULL;
  PetscCall(PetscObjectQuery((PetscObject)grid, coefficient_name, &container));
  PetscCall(PetscObjectQuery((PetscObject)grid, weight_name, &vector));
  if (container) PetscCall(PetscContainerGetPointer((PetscContainer)container, (void **)coefficient));
  if (weight) *weight = (Vec)vector;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCoefficientInherit(DM fine, DM coarse, Mat interpolation)
{
  SpanCoefficient *coefficient;
  Vec weight, below;
  PetscFunctionBeginUser;
  PetscCall(SpanCoefficientQuery(fine, &coefficient, &weight));
  if (!coefficient) PetscFunctionReturn(0);
  PetscCall(DMCreateGlobalVector(coarse, &below));
  PetscCall(MatMultTranspose(interpolation, weight, below));
  PetscCall(SpanCoefficientAttach(coarse, coefficient, below));
  PetscCall(VecDestroy(&below));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCoefficientSample(DM grid, PetscInt n[3], double *values)
{
  SpanCoefficient *c;
  PetscInt dim, m[3], points = 1;
  PetscFunctionBeginUser;
  PetscCall(SpanCoefficientQuery(grid, &c, NULL));
  PetscCheck(c, PetscObjectComm((PetscObject)grid), PETSC_ERR_ARG_WRONGSTATE, "the grid has no coefficient");
  PetscCall(DMDAGetInfo(grid, &dim, &m[0], &m[1], &m[2], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  for (int i = 0; i < dim; i++) { /* the DMDA has x first */
    n[i] = m[dim - 1 - i] + (c->faces ? 0 : 2);
    points *= n[i];
  }
  for (PetscInt p = 0; p < points && values; p++) {
    PetscInt at = 0, rest = p, stride = 1;
    for (int i = c->n_dims - 1; i >= 0; i--) {
      const PetscInt k = rest % n[i], intervals = n[i] - 1;
      at += (k * (c->n[i] - 1) + intervals / 2) / intervals * stride;
      rest /= n[i];
      stride *= c->n[i];
    }
    values[p] = c->values[at];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCoefficientCheckFlexible(const SpanCoefficient *c, KSP ksp)
{
  static const char *const flexible[] = {KSPFCG, KSPPIPEFCG, KSPFGMRES,    KSPPIPEFGMRES,
                                         KSPGCR, KSPPIPEGCR, KSPRICHARDSON};
  const char *type, *prefix;
  PetscFunctionBeginUser;
  if (!c->nonlinear) PetscFunctionReturn(0);
  PetscCall(KSPGetType(ksp, &type));
  PetscCall(KSPGetOptionsPrefix(ksp, &prefix));
  for (size_t i = 0; i < sizeof flexible / sizeof flexible[0]; i++)
    if (!strcmp(type, flexible[i])) PetscFunctionReturn(0);
  SETERRQ(PetscObjectComm((PetscObject)ksp), PETSC_ERR_USER_INPUT,
          "--%sksp_type %s: the preconditioner is no linear map (a network) and needs a flexible method: fcg, fgmres "
          "or gcr",
          prefix ? prefix : "", type);
}
