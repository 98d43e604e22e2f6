/* What `subspan simulate ct` can be asked for. What is not asked for follows from the volume: pixels that are as large
   as a voxel seen at the axis, as many as see the whole of it. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/progress.h>
#include <subspan/solvers/simulate/ct_options.h>
#include <math.h>
#include <string.h>

PetscErrorCode SpanCTOptionsRead(MPI_Comm comm, SpanCTOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the projections: HDF5 (docs/formats.md)"},
      {"geometry", SPAN_OPTION_CHOICE, o->geometry, 0, 0, "parallel|fan|cone", "of the beam"},
      {"views", SPAN_OPTION_INT, &o->views, 1, 1e6, NULL, "how many"},
      {"arc", SPAN_OPTION_REAL, &o->arc, -1e6, 1e6, NULL,
       "degrees that the views share evenly, the end excluded; negative: clockwise; helix: 360 a turn"},
      {"start", SPAN_OPTION_REAL, &o->start, -1e6, 1e6, NULL, "angle of the first view, degrees"},
      {"columns", SPAN_OPTION_INT, &o->columns, 0, 1e6, NULL, "of the detector; 0: as many as see the whole volume"},
      {"rows", SPAN_OPTION_INT, &o->rows, 0, 1e6, NULL,
       "cone: of the detector; 0: as many as see the whole volume, in a helix its pitch"},
      {"pixel", SPAN_OPTION_REAL, &o->pixel, 0, 1e6, NULL,
       "width of a detector pixel, mm; 0: a voxel's, magnified from the axis"},
      {"pixel_rows", SPAN_OPTION_REAL, &o->pixel_rows, 0, 1e6, NULL, "cone: its height, mm; 0: in the same way"},
      {"detector", SPAN_OPTION_CHOICE, o->detector, 0, 0, "flat|curved", "fan and cone: its shape"},
      {"offset_u", SPAN_OPTION_REAL, &o->offset_u, -1e6, 1e6, NULL,
       "of the detector along its columns' numbers, in pixels; 0.25: a quarter-detector shift"},
      {"offset_v", SPAN_OPTION_REAL, &o->offset_v, -1e6, 1e6, NULL, "cone: along its rows' numbers, in pixels"},
      {"axis_offset", SPAN_OPTION_REAL, &o->axis_offset, -1e6, 1e6, NULL,
       "of the axis of rotation along the columns, mm at the axis"},
      {"source_axis", SPAN_OPTION_REAL, &o->source_axis, 0, 1e6, NULL,
       "fan and cone: distance, mm; 0: twice the diagonal of a slice"},
      {"source_detector", SPAN_OPTION_REAL, &o->source_detector, 0, 1e6, NULL,
       "fan and cone: distance, mm; 0: 1.5 times source_axis"},
      {"helix_pitch", SPAN_OPTION_REAL, &o->helix_pitch, -1e6, 1e6, NULL,
       "cone: way of the source along z a turn, mm; 0: a circle"},
      {"photons", SPAN_OPTION_REAL, &o->photons, 0, 1e15, NULL,
       "mean count of a pixel without an object, for Poisson noise; 0: no noise"},
      {"electronic_noise", SPAN_OPTION_REAL, &o->electronic_noise, 0, 1e9, NULL,
       "standard deviation of what the detector adds, in photons"},
      {"beam_hardening", SPAN_OPTION_REAL, &o->beam_hardening, 0, 150, NULL,
       "tube voltage in kV, from 40, of a polychromatic beam; 0: one energy"},
      {"water", SPAN_OPTION_REAL, &o->water, 1e-6, 1e3, NULL,
       "attenuation of water that HU refer to, 1/mm; 0.0194 is that at 70 keV"},
      {"slices", SPAN_OPTION_STRING, o->slices, 0, 0, NULL, "FIRST:LAST, the last one excluded"},
      SPAN_MONITOR_OPTION,
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of every random number"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "simulate ct",
      "simulate ct VOLUME -o PROJECTIONS.h5 [--option value]...",
      "Makes CT projections of a volume (HDF5, NIfTI) in HU, or in 1/mm if its attribute `units` says so.",
      "  subspan simulate ct chest.h5 --geometry parallel --views 60 --arc 180 --photons 1e5 --seed 1 -o "
      "projections.h5\n"
      "  subspan simulate ct chest.h5 --geometry fan --detector curved --source_axis 541 --source_detector 949 "
      "--views 720 -o fan.h5\n"
      "  subspan simulate ct chest.h5 --geometry cone --views 2160 --arc 1080 --helix_pitch 40 -o helix.h5\n",
      table,
      NULL};
  PetscFunctionBeginUser;
  *o = (SpanCTOptions){.geometry = "parallel", .detector = "flat", .views = 180, .arc = 180, .water = 0.0194};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  const PetscBool parallel = (PetscBool)!strcmp(o->geometry, "parallel"),
                  cone     = (PetscBool)!strcmp(o->geometry, "cone");
  SpanCheckInput(comm, o->output[0], "simulate ct: where to? give -o PROJECTIONS.h5");
  SpanCheckInput(
      comm, !parallel || (o->source_axis == 0 && o->source_detector == 0 && !strcmp(o->detector, "flat")),
      "--source_axis, --source_detector, --detector curved: are for --geometry fan and cone, this is parallel");
  SpanCheckInput(comm, cone || (!o->rows && o->pixel_rows == 0 && o->offset_v == 0 && o->helix_pitch == 0),
                 "--rows, --pixel_rows, --offset_v, --helix_pitch: are for --geometry cone, this is %s", o->geometry);
  SpanCheckInput(comm, o->photons > 0 || o->electronic_noise == 0,
                 "--electronic_noise %g: is in photons, give --photons too", (double)o->electronic_noise);
  SpanCheckInput(comm, o->beam_hardening == 0 || o->beam_hardening >= 40,
                 "--beam_hardening %g: must be 0, or 40 to 150 kV", (double)o->beam_hardening);
  PetscFunctionReturn(0);
}

static PetscInt Pixels(PetscReal length, PetscReal pixel) { return (PetscInt)ceil(length / pixel - 1e-9); }

/* The detector across: what sees the circle around the volume's corners, shifted by what offsets it. */
static void Columns(const SpanCTOptions *o, PetscReal radius, SpanCTGeometry *g)
{
  const PetscReal magnified = g->kind == SPAN_CT_PARALLEL ? 1 : g->source_detector / g->source_axis;
  g->pitch_u                = o->pixel > 0 ? o->pixel : PetscMin(g->dx, g->dy) * magnified;
  g->offset_u               = o->offset_u * g->pitch_u;
  g->axis_offset            = o->axis_offset;
  PetscReal half            = radius + fabs(g->axis_offset);
  if (g->kind != SPAN_CT_PARALLEL) {
    const PetscReal angle = asin(PetscMin(half / g->source_axis, 0.999));
    half                  = g->source_detector * (g->curved ? angle : tan(angle));
  }
  g->n_u = o->columns ? o->columns : Pixels(2 * (half + fabs(g->offset_u)), g->pitch_u);
}

/* And along the axis: what sees the volume's height, or one turn of the helix, at the corners nearest to the source. */
static void Rows(const SpanCTOptions *o, PetscReal radius, SpanCTGeometry *g)
{
  const PetscReal nearest = PetscMax(g->source_axis - radius, 0.01 * g->source_axis);
  const PetscReal height  = o->helix_pitch != 0 ? fabs(o->helix_pitch) : (PetscReal)g->nz * g->dz;
  g->pitch_v              = o->pixel_rows > 0 ? o->pixel_rows : g->dz * g->source_detector / g->source_axis;
  g->offset_v             = o->offset_v * g->pitch_v;
  g->n_v = o->rows ? o->rows : Pixels(height * g->source_detector / nearest + 2 * fabs(g->offset_v), g->pitch_v);
}

PetscErrorCode SpanCTOptionsGeometry(MPI_Comm comm, const char path[], const SpanCTOptions *o, const SpanGrid *grid,
                                     SpanCTGeometry *g, PetscReal **angles, PetscReal **source_z)
{
  const double degree    = M_PI / 180;
  const PetscReal radius = hypot((double)grid->ny * grid->spacing[1], (double)grid->nx * grid->spacing[0]) / 2;
  PetscFunctionBeginUser;
  *g = (SpanCTGeometry){.kind    = !strcmp(o->geometry, "parallel") ? SPAN_CT_PARALLEL
                                   : !strcmp(o->geometry, "fan")    ? SPAN_CT_FAN
                                                                    : SPAN_CT_CONE,
                        .curved  = (PetscBool)!strcmp(o->detector, "curved"),
                        .nz      = grid->nz,
                        .ny      = grid->ny,
                        .nx      = grid->nx,
                        .dz      = grid->spacing[2],
                        .dy      = grid->spacing[1],
                        .dx      = grid->spacing[0],
                        .n_v     = grid->nz,
                        .n_views = o->views};
  if (g->kind != SPAN_CT_PARALLEL) {
    g->source_axis     = o->source_axis > 0 ? o->source_axis : 4 * radius;
    g->source_detector = o->source_detector > 0 ? o->source_detector : 1.5 * g->source_axis;
  }
  Columns(o, radius, g);
  if (g->kind == SPAN_CT_CONE) Rows(o, radius, g);
  PetscCall(PetscMalloc1(o->views, angles));
  for (PetscInt i = 0; i < o->views; i++)
    (*angles)[i] = (o->start + o->arc * (PetscReal)i / (PetscReal)o->views) * degree;
  g->angles = *angles;
  if (o->helix_pitch != 0) {
    PetscCall(PetscMalloc1(o->views, source_z));
    for (PetscInt i = 0; i < o->views; i++)
      (*source_z)[i] = o->helix_pitch * o->arc / 360 * (((PetscReal)i + 0.5) / (PetscReal)o->views - 0.5);
    g->source_z = *source_z;
  }
  PetscCall(SpanCTGeometryCheck(comm, path, g));
  PetscCall(SpanCheckCount(comm, path, "detector columns in all views", (double)g->n_views * (double)g->n_u));
  PetscCall(SpanCheckCount(comm, path, "pixels of a detector", (double)g->n_v * (double)g->n_u));
  PetscFunctionReturn(0);
}
