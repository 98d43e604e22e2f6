/* What `subspan info` says about CT projections. */
#include <subspan/base/error.h>
#include <subspan/io/projections.h>
#include <subspan/operators/imaging/rotation_centre.h>
#include <subspan/solvers/info/say.h>
#include <math.h>

enum { most_rows = 8 }; /* that the centre of rotation is found from */

static void SayBeam(cJSON *json, const SpanProjectionsInfo *info)
{
  static const char *const beams[] = {"parallel", "fan", "cone"};
  const SpanCTGeometry *g          = &info->geometry;
  const double degree              = M_PI / 180;
  double low = g->angles[0], high = g->angles[0];
  SpanSay(json, "samples", "%lld views, %lld rows, %lld columns", (long long)g->n_views, (long long)g->n_v,
          (long long)g->n_u);
  for (PetscInt i = 0; i < g->n_views; i++) {
    low  = PetscMin(low, g->angles[i]);
    high = PetscMax(high, g->angles[i]);
  }
  SpanSay(json, "angles", "%.6g to %.6g degrees, from %.6g to %.6g", low / degree, high / degree, g->angles[0] / degree,
          g->angles[g->n_views - 1] / degree);
  if (g->kind == SPAN_CT_PARALLEL)
    SpanSay(json, "beam", "parallel");
  else
    SpanSay(json, "beam", "%s, %s detector, source to axis %.6g mm, to detector %.6g mm%s", beams[g->kind],
            g->curved ? "curved" : "flat", (double)g->source_axis, (double)g->source_detector,
            g->source_z ? ", helix" : "");
  SpanSay(json, "pixel", "%.6g x %.6g mm (row, column)%s, offset %.6g x %.6g mm",
          (double)(g->kind == SPAN_CT_CONE ? g->pitch_v : g->dz), (double)g->pitch_u,
          info->pixel_known ? "" : ", not said in the file", (double)(g->kind == SPAN_CT_CONE ? g->offset_v : 0),
          (double)g->offset_u);
}

/* Said or found, in mm and as a column of the detector. */
static PetscErrorCode SayAxis(const char path[], SpanProjections projections, cJSON *json)
{
  const SpanProjectionsInfo *info = SpanProjectionsGetInfo(projections);
  const SpanCTGeometry *g         = &info->geometry;
  const PetscInt n                = PetscMin(most_rows, g->n_v);
  PetscReal offset                = g->axis_offset;
  float *lines;
  PetscFunctionBeginUser;
  if (info->axis_known) {
    SpanSay(json, "axis", "offset %.6g mm", (double)offset);
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1((PetscInt64)g->n_views * n * g->n_u, &lines));
  PetscErrorCode ierr = SpanProjectionsRead(projections, (g->n_v - n) / 2, n, lines);
  if (!ierr) ierr = SpanRotationCentre(path, g, n, lines, &offset);
  PetscCall(PetscFree(lines));
  PetscCall(ierr);
  SpanSay(json, "axis", "not said in the file; found at column %.2f, offset %.6g mm",
          (double)((offset - SpanCTColumn(g, 0)) / g->pitch_u), (double)offset);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInfoProjections(const char path[], const char scan[], cJSON *json)
{
  SpanProjections projections;
  char names[2000];
  PetscFunctionBeginUser;
  PetscCall(SpanProjectionsScans(path, names, sizeof names));
  if (names[0] && !scan[0]) {
    SpanSay(json, "kind", "CT projections, several scans; --scan NAME tells more of one");
    SpanSay(json, "scans", "%s", names);
    PetscFunctionReturn(0);
  }
  PetscCall(SpanProjectionsOpen(PETSC_COMM_SELF, path, scan, &projections));
  const SpanProjectionsInfo *info = SpanProjectionsGetInfo(projections);
  const SpanCTGeometry *g         = &info->geometry;
  SpanSay(json, "kind", "CT projections, %s", info->format);
  SayBeam(json, info);
  PetscErrorCode ierr = SayAxis(path, projections, json);
  if (info->blank > 0) SpanSay(json, "photons", "%.6g a pixel without an object", (double)info->blank);
  if (info->electrons > 0) SpanSay(json, "electronics", "noise of %.6g photons", (double)info->electrons);
  if (info->water > 0) SpanSay(json, "water", "%.6g per mm", (double)info->water);
  SpanSay(json, "image", "%lld x %lld x %lld (slices, rows, columns) of %.4g x %.4g x %.4g mm", (long long)g->nz,
          (long long)g->ny, (long long)g->nx, (double)g->dz, (double)g->dy, (double)g->dx);
  PetscCall(SpanProjectionsClose(&projections));
  PetscFunctionReturn(ierr);
}
