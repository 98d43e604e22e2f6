/* Draws curves with cairo. */
#include <subspan/base/error.h>
#include <subspan/io/plot.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { width = 900, height = 560, left = 80, right = 170, top = 40, bottom = 55 };

typedef struct {
  double x[2], y[2]; /* least and greatest; y as logarithms */
} Range;

static PetscBool Usable(const SpanLine *l, PetscInt i, double *x, double *y)
{
  *x = l->x[i * l->stride];
  *y = l->y[i * l->stride];
  if (!isfinite(*x) || !isfinite(*y) || *y <= 0) return PETSC_FALSE;
  *y = log10(*y);
  return PETSC_TRUE;
}

static Range Find(PetscInt n_lines, const SpanLine lines[])
{
  Range r = {{INFINITY, -INFINITY}, {INFINITY, -INFINITY}};
  for (PetscInt k = 0; k < n_lines; k++)
    for (PetscInt i = 0; i < lines[k].n; i++) {
      double x, y;
      if (!Usable(&lines[k], i, &x, &y)) continue;
      r.x[0] = fmin(r.x[0], x);
      r.x[1] = fmax(r.x[1], x);
      r.y[0] = fmin(r.y[0], y);
      r.y[1] = fmax(r.y[1], y);
    }
  if (!(r.x[1] > r.x[0])) r.x[1] = (r.x[0] = isfinite(r.x[0]) ? r.x[0] : 0) + 1;
  if (!(r.y[1] > r.y[0])) r.y[1] = (r.y[0] = isfinite(r.y[0]) ? r.y[0] - 0.1 : 0) + 0.2;
  return r;
}

static double AtX(const Range *r, double x)
{
  return left + (x - r->x[0]) / (r->x[1] - r->x[0]) * (width - left - right);
}
static double AtY(const Range *r, double y)
{
  return height - bottom - (y - r->y[0]) / (r->y[1] - r->y[0]) * (height - top - bottom);
}

static void Text(cairo_t *c, double x, double y, const char *text)
{
  cairo_move_to(c, x, y);
  cairo_show_text(c, text);
}

static void Axes(cairo_t *c, const Range *r, const char title[], const char x_label[])
{
  char number[32];
  const double span = r->x[1] - r->x[0];
  double step       = pow(10, floor(log10(span / 4)));
  while (span / step > 6) step *= span / step > 12 ? 5 : 2;
  cairo_set_source_rgb(c, 0, 0, 0);
  Text(c, left, top - 15, title);
  Text(c, left + (width - left - right) / 2. - 20, height - 12, x_label);
  cairo_set_line_width(c, 1);
  for (double x = ceil(r->x[0] / step) * step; x <= r->x[1] + 1e-9 * span; x += step) {
    cairo_set_source_rgb(c, 0.85, 0.85, 0.85);
    cairo_move_to(c, AtX(r, x), top);
    cairo_line_to(c, AtX(r, x), height - bottom);
    cairo_stroke(c);
    cairo_set_source_rgb(c, 0, 0, 0);
    snprintf(number, sizeof number, "%g", x);
    Text(c, AtX(r, x) - 3.5 * (double)strlen(number), height - bottom + 20, number);
  }
  for (int i = (int)floor(r->y[0]) * 9; i <= (int)ceil(r->y[1]) * 9; i++) {
    const double value = (i - 9 * floor(i / 9.) + 1) * pow(10, floor(i / 9.)), y = log10(value);
    if (y < r->y[0] || y > r->y[1]) continue;
    cairo_set_source_rgb(c, 0.85, 0.85, 0.85);
    cairo_move_to(c, left, AtY(r, y));
    cairo_line_to(c, width - right, AtY(r, y));
    cairo_stroke(c);
    cairo_set_source_rgb(c, 0, 0, 0);
    snprintf(number, sizeof number, "%.3g", value);
    Text(c, left - 8 - 7.5 * (double)strlen(number), AtY(r, y) + 4, number);
  }
}

static void Curve(cairo_t *c, const Range *r, const SpanLine *l, PetscInt index)
{
  static const double colors[6][3] = {{0.1, 0.3, 0.7}, {0.8, 0.2, 0.1}, {0.1, 0.55, 0.2},
                                      {0.6, 0.3, 0.7}, {0.9, 0.6, 0.1}, {0.2, 0.6, 0.7}};
  double x, y;
  cairo_set_source_rgb(c, colors[index % 6][0], colors[index % 6][1], colors[index % 6][2]);
  cairo_set_line_width(c, 1.5);
  for (PetscInt i = 0; i < l->n; i++)
    if (Usable(l, i, &x, &y)) cairo_line_to(c, AtX(r, x), AtY(r, y));
  cairo_stroke(c);
  Text(c, width - right + 12, top + 14 + 20 * (double)index, l->label);
}

PetscErrorCode SpanPlotWrite(const char path[], const char title[], const char x_label[], PetscInt n_lines,
                             const SpanLine lines[])
{
  char part[PETSC_MAX_PATH_LEN + 8];
  const Range range        = Find(n_lines, lines);
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
  cairo_t *cairo           = cairo_create(surface);
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(part, sizeof part, "%s.part", path));
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, 13);
  Axes(cairo, &range, title, x_label);
  for (PetscInt i = 0; i < n_lines; i++) Curve(cairo, &range, &lines[i], i);
  cairo_status_t status = cairo_surface_write_to_png(surface, part);
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
  SpanCheckInput(PETSC_COMM_SELF, status == CAIRO_STATUS_SUCCESS && !rename(part, path), "%s: cannot be written: %s",
                 path, cairo_status_to_string(status));
  PetscFunctionReturn(0);
}
