/* Draws panels with cairo. */
#include <subspan/base/error.h>
#include <subspan/io/picture.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { wanted_side = 320, text_size = 14, margin = 10, bar_width = 16, bar_room = 84 };

static void Color(SpanColors colors, double t, unsigned char rgb[3])
{
  static const double heat[8][3] = {{0, 0, 4},     {40, 11, 84},   {101, 21, 110}, {159, 42, 99},
                                    {212, 72, 66}, {245, 125, 21}, {250, 193, 39}, {252, 255, 164}};
  t                              = fmin(fmax(t, 0), 1);
  if (colors == SPAN_COLORS_GREY) {
    rgb[0] = rgb[1] = rgb[2] = (unsigned char)lround(255 * t);
    return;
  }
  int i    = (int)fmin(floor(7 * t), 6);
  double f = 7 * t - i;
  for (int c = 0; c < 3; c++) rgb[c] = (unsigned char)lround((1 - f) * heat[i][c] + f * heat[i + 1][c]);
}

static void Put(unsigned char *pixel, SpanColors colors, double t)
{
  unsigned char rgb[3];
  Color(colors, t, rgb);
  uint32_t word = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
  memcpy(pixel, &word, sizeof word);
}

/* Pixels of the picture: along x and y. */
typedef struct {
  PetscInt x, y;
} Size;

/* The size of a panel whose shorter pixel side is `zoom` pixels of the picture. */
static Size SizeOf(const SpanPanel *p, PetscInt zoom)
{
  double ratio = p->height > 0 && p->width > 0 ? p->height / p->width : 1;
  return (Size){.x = (PetscInt)lround((double)(p->nx * zoom) * fmax(1, 1 / ratio)),
                .y = (PetscInt)lround((double)(p->ny * zoom) * fmax(1, ratio))};
}

static PetscInt Zoom(PetscInt n_panels, const SpanPanel panels[])
{
  PetscInt side = 1;
  for (PetscInt i = 0; i < n_panels; i++) {
    Size s = SizeOf(&panels[i], 1);
    side   = PetscMax(side, PetscMax(s.y, s.x));
  }
  return PetscMax(1, (wanted_side + side / 2) / side);
}

static void DrawImage(cairo_surface_t *surface, const SpanPanel *p, PetscInt left, PetscInt top, Size size)
{
  unsigned char *pixels = cairo_image_surface_get_data(surface);
  PetscInt stride       = cairo_image_surface_get_stride(surface);
  double range          = p->high > p->low ? p->high - p->low : 1;
  cairo_surface_flush(surface);
  for (PetscInt y = 0; y < size.y; y++)
    for (PetscInt x = 0; x < size.x; x++)
      Put(pixels + (top + y) * stride + 4 * (left + x), p->colors,
          ((double)p->data[y * p->ny / size.y * p->nx + x * p->nx / size.x] - p->low) / range);
  cairo_surface_mark_dirty(surface);
}

static void Text(cairo_t *cairo, double x, double y, double size, const char *text)
{
  cairo_set_font_size(cairo, size);
  cairo_move_to(cairo, x, y);
  cairo_show_text(cairo, text);
}

/* Yellow with a black rim, which can be told from the image whatever is below. */
static void DrawEdges(cairo_t *cairo, const SpanPanel *p, PetscInt left, PetscInt top, Size size)
{
  for (int i = 0; p->edges[0] && i < 4; i++) {
    char letter[2] = {p->edges[i], 0};
    cairo_text_extents_t e;
    cairo_set_font_size(cairo, text_size);
    cairo_text_extents(cairo, letter, &e);
    double room_x = (double)size.x - e.width, room_y = (double)size.y - e.height,
           x = i == 0   ? 4
               : i == 1 ? room_x - 4
                        : room_x / 2,
           y = i == 2   ? 4
               : i == 3 ? room_y - 4
                        : room_y / 2;
    cairo_move_to(cairo, (double)left + x - e.x_bearing, (double)top + y - e.y_bearing);
    cairo_text_path(cairo, letter);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, 3);
    cairo_stroke_preserve(cairo);
    cairo_set_source_rgb(cairo, 1, 0.85, 0.2);
    cairo_fill(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
  }
}

static void DrawBar(cairo_t *cairo, cairo_surface_t *surface, const SpanPanel *p, PetscInt left, PetscInt top,
                    PetscInt height)
{
  unsigned char *pixels = cairo_image_surface_get_data(surface);
  PetscInt stride       = cairo_image_surface_get_stride(surface);
  char number[32];
  cairo_surface_flush(surface);
  for (PetscInt y = 0; y < height; y++)
    for (PetscInt x = 0; x < bar_width; x++)
      Put(pixels + (top + y) * stride + 4 * (left + x), p->colors, 1 - (double)y / (double)(height - 1));
  cairo_surface_mark_dirty(surface);
  for (int i = 0; i <= 4; i++) {
    snprintf(number, sizeof number, "%.3g", p->low + (p->high - p->low) * i / 4);
    Text(cairo, (double)left + bar_width + 5, (double)top + (double)(height - 1) * (4 - i) / 4 + 4, 12, number);
  }
}

static PetscErrorCode Save(cairo_surface_t *surface, const char path[])
{
  char part[PETSC_MAX_PATH_LEN + 8];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(part, sizeof part, "%s.part", path));
  cairo_status_t status = cairo_surface_write_to_png(surface, part);
  SpanCheckInput(PETSC_COMM_SELF, status == CAIRO_STATUS_SUCCESS && !rename(part, path), "%s: cannot be written: %s",
                 path, cairo_status_to_string(status));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPictureWrite(const char path[], PetscInt n_panels, const SpanPanel panels[], PetscInt columns)
{
  PetscInt zoom = Zoom(n_panels, panels), rows = (n_panels + columns - 1) / columns, cell_w = 0, cell_h = 0;
  PetscBool bars = PETSC_FALSE, captions = PETSC_FALSE;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n_panels; i++) {
    cell_w   = PetscMax(cell_w, SizeOf(&panels[i], zoom).x);
    cell_h   = PetscMax(cell_h, SizeOf(&panels[i], zoom).y);
    bars     = (PetscBool)(bars || panels[i].bar);
    captions = (PetscBool)(captions || panels[i].caption[0]);
    cell_w   = PetscMax(cell_w, (PetscInt)(6.6 * (double)strlen(panels[i].caption)) - (panels[i].bar ? bar_room : 0));
  }
  PetscInt step_x = cell_w + margin + (bars ? bar_room : 0),
           step_y = cell_h + margin + 2 * text_size + (captions ? 2 * text_size : 0);
  double width = (double)(columns * step_x + margin), height = (double)(rows * step_y + margin);
  SpanCheckInput(PETSC_COMM_SELF, width * height <= 0x1p28 && width < 32000 && height < 32000,
                 "%s: a picture of %.0f x %.0f pixels is too large; choose fewer slices", path, width, height);
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
  cairo_t *cairo           = cairo_create(surface);
  cairo_set_source_rgb(cairo, 1, 1, 1);
  cairo_paint(cairo);
  cairo_set_source_rgb(cairo, 0, 0, 0);
  cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  for (PetscInt i = 0; i < n_panels; i++) {
    PetscInt left = margin + i % columns * step_x, top = margin + i / columns * step_y + 2 * text_size - 6;
    Text(cairo, (double)left, (double)top - 6, text_size, panels[i].title);
    Size size = SizeOf(&panels[i], zoom);
    DrawImage(surface, &panels[i], left, top, size);
    DrawEdges(cairo, &panels[i], left, top, size);
    if (panels[i].bar) DrawBar(cairo, surface, &panels[i], left + size.x + 6, top, size.y);
    Text(cairo, (double)left, (double)(top + size.y + text_size + 4), 12, panels[i].caption);
  }
  PetscErrorCode ierr = Save(surface, path);
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

static int Ascending(const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

PetscErrorCode SpanPicturePercentile(PetscInt n, const float *data, double share, double *value)
{
  float *sorted;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &sorted));
  memcpy(sorted, data, (size_t)n * sizeof *sorted);
  qsort(sorted, (size_t)n, sizeof *sorted, Ascending);
  *value = n ? (double)sorted[PetscMin(n - 1, (PetscInt)(share * (double)n))] : 0;
  PetscCall(PetscFree(sorted));
  PetscFunctionReturn(0);
}
