/* Patient axes are LPS: 0 towards the left, 1 towards the back, 2 towards the head. */
#include <subspan/base/error.h>
#include <subspan/solvers/view/orient.h>
#include <math.h>
#include <string.h>

/* The patient axes of the screen's columns and rows and of the slices; whether it is the far end (left, back, head)
   that comes first on the screen. */
static const struct {
  const char *name;
  int axis[3];
  PetscBool far_first[2];
} planes[] = {{"sagittal", {1, 2, 0}, {PETSC_FALSE, PETSC_TRUE}},
              {"coronal", {0, 2, 1}, {PETSC_FALSE, PETSC_TRUE}},
              {"axial", {0, 1, 2}, {PETSC_FALSE, PETSC_FALSE}}}; /* at the patient axis of its slices */

/* The voxel axis that is nearest to each patient axis; all three differ. */
static void Nearest(const SpanGrid *g, int voxel_axis[3])
{
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  double most                   = -1;
  for (int k = 0; k < 6; k++) {
    double sum = 0;
    for (int i = 0; i < 3; i++) sum += fabs(g->direction[3 * i + orders[k][i]]);
    if (sum > most + 1e-9) memcpy(voxel_axis, orders[k], sizeof orders[k]);
    most = PetscMax(most, sum);
  }
}

PetscErrorCode SpanViewOrient(const char path[], const SpanGrid *g, const char plane[], SpanViewOrientation *o)
{
  static const char near_end[] = "RAI", far_end[] = "LPS";
  int voxel_axis[3], chosen                       = -1;
  PetscFunctionBeginUser;
  *o = (SpanViewOrientation){.axis = {0, 1, 2}};
  if (!strcmp(plane, "stored") || (!strcmp(plane, "auto") && !g->known)) PetscFunctionReturn(0);
  SpanCheckInput(PETSC_COMM_SELF, g->known, "%s: it does not say how it lies in the patient, --plane %s needs that",
                 path, plane);
  Nearest(g, voxel_axis);
  for (int k = 0; k < 3; k++)
    if (!strcmp(plane, planes[k].name) || (!strcmp(plane, "auto") && voxel_axis[k] == 2)) chosen = k;
  for (int i = 0; i < 3; i++) {
    int patient = planes[chosen].axis[i];
    o->axis[i]  = voxel_axis[patient];
    if (i == 2) break;
    PetscBool ascends = (PetscBool)(g->direction[3 * patient + o->axis[i]] > 0), far = planes[chosen].far_first[i];
    o->flip[i]          = (PetscBool)(ascends == far);
    o->edges[2 * i]     = (far ? far_end : near_end)[patient];
    o->edges[2 * i + 1] = (far ? near_end : far_end)[patient];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanViewTurn(const SpanViewOrientation *o, SpanGrid *g, float **data)
{
  const PetscInt size[3] = {g->nx, g->ny, g->nz}, stride[3] = {1, g->nx, g->nx * g->ny};
  const double spacing[3] = {g->spacing[0], g->spacing[1], g->spacing[2]};
  PetscInt n[3], step[3], start = 0;
  float *turned, *out;
  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) {
    n[i]          = size[o->axis[i]];
    step[i]       = stride[o->axis[i]];
    g->spacing[i] = spacing[o->axis[i]];
    if (i < 2 && o->flip[i]) {
      start += (n[i] - 1) * step[i];
      step[i] = -step[i];
    }
  }
  PetscCall(PetscMalloc1(n[0] * n[1] * n[2], &turned));
  out = turned;
  for (PetscInt z = 0; z < n[2]; z++)
    for (PetscInt y = 0; y < n[1]; y++)
      for (PetscInt x = 0; x < n[0]; x++) *out++ = (*data)[start + z * step[2] + y * step[1] + x * step[0]];
  PetscCall(PetscFree(*data));
  *data = turned;
  g->nx = n[0];
  g->ny = n[1];
  g->nz = n[2];
  PetscFunctionReturn(0);
}
