/* OFF files. */
#include <subspan/base/error.h>
#include <subspan/io/graph_formats.h>
#include <subspan/io/mesh.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { most_corners = 1000 };

/* The two lines before the points. */
static PetscErrorCode ReadHeader(MPI_Comm comm, const char path[], const SpanTextPart *part, int64_t counts[2],
                                 int64_t *line)
{
  char text[256];
  SpanTextPart rest = *part;
  const char *at;
  PetscFunctionBeginUser;
  PetscCall(SpanTextHeader(comm, part, "#", text, line));
  SpanCheckInput(comm, !strncmp(text, "OFF", 3), "%s: line %lld: `%.60s`, must be `OFF`", path, (long long)*line, text);
  at = text + 3;
  if (SpanTextEndOfLine(&at)) {
    for (at = rest.text; *at && rest.first_line <= *line; rest.first_line++) SpanTextSkipLine(&at);
    rest.text += at - rest.text;
    PetscCall(SpanTextHeader(comm, &rest, "#", text, line));
    at = text;
  }
  SpanCheckInput(
      comm, SpanTextInteger(&at, &counts[0]) && SpanTextInteger(&at, &counts[1]) && counts[0] > 0 && counts[1] >= 0,
      "%s: line %lld: `%.60s`, must be the numbers of points, cells and edges", path, (long long)*line, text);
  PetscCall(SpanCheckCount(comm, path, "coordinates", 3 * (double)counts[0]));
  PetscCall(SpanCheckCount(comm, path, "cells", (double)counts[1]));
  PetscFunctionReturn(0);
}

static PetscBool Content(const char *at) { return (PetscBool)(*at != '#' && !SpanTextEndOfLine(&at)); }

/* Lines of content after the header: of this rank, and of those before it. */
static PetscErrorCode CountLines(MPI_Comm comm, const SpanTextPart *part, int64_t header, int64_t *before,
                                 int64_t *mine)
{
  int64_t line = part->first_line;
  int rank;
  PetscFunctionBeginUser;
  *mine = *before = 0;
  for (const char *at = part->text; *at; line++) {
    *mine += line > header && Content(at);
    SpanTextSkipLine(&at);
  }
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Exscan(mine, before, 1, MPI_INT64_T, MPI_SUM, comm));
  if (!rank) *before = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadPoint(const char path[], int64_t line, const char *at, double x[3])
{
  char word[25];
  PetscFunctionBeginUser;
  for (int k = 0; k < 3; k++)
    SpanCheckInput(PETSC_COMM_SELF, SpanTextReal(&at, &x[k]) && isfinite(x[k]),
                   "%s: line %lld: `%s`, must be a coordinate of a point", path, (long long)line,
                   SpanTextWord(at, word));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadCell(const char path[], int64_t line, const char *at, SpanMesh m, PetscInt cell,
                               PetscInt64 *room)
{
  int64_t n, corner;
  char word[25];
  PetscInt end = m->first[cell];
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, SpanTextInteger(&at, &n) && n >= 1 && n <= most_corners,
                 "%s: line %lld: a cell begins with the number of its corners, 1 to %d", path, (long long)line,
                 most_corners);
  if (end + n > *room) {
    *room = 2 * (end + n);
    PetscCall(PetscRealloc((size_t)*room * sizeof *m->corner, &m->corner));
  }
  for (int64_t k = 0; k < n; k++) {
    SpanCheckInput(PETSC_COMM_SELF, SpanTextInteger(&at, &corner), "%s: line %lld: `%s`, must be a point", path,
                   (long long)line, SpanTextWord(at, word));
    SpanCheckInput(PETSC_COMM_SELF, corner >= 0 && corner < m->n_points,
                   "%s: line %lld: point %lld, must be in [0, %" PetscInt_FMT ")", path, (long long)line,
                   (long long)corner, m->n_points);
    m->corner[end++] = (PetscInt)corner;
  }
  m->first[cell + 1] = end;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadLines(const char path[], const SpanTextPart *part, int64_t header, int64_t number, SpanMesh m)
{
  PetscInt64 room = 0;
  PetscInt points = 0, cells = 0;
  int64_t line = part->first_line;
  PetscFunctionBeginUser;
  for (const char *at = part->text; *at; line++) {
    if (line > header && Content(at)) {
      if (number < m->n_points)
        PetscCall(ReadPoint(path, line, at, m->point + 3 * points++));
      else if (number < (int64_t)m->n_points + m->n_cells)
        PetscCall(ReadCell(path, line, at, m, cells++, &room));
      number++;
    }
    SpanTextSkipLine(&at);
  }
  PetscFunctionReturn(0);
}

/* How many of the numbers [before, before + mine) are in [first, first + n), and which is the first. */
static void Overlap(int64_t before, int64_t mine, int64_t first, int64_t n, PetscInt *own_first, PetscInt *own)
{
  const int64_t begin = PetscMin(PetscMax(before - first, 0), n), end = PetscMin(PetscMax(before + mine - first, 0), n);
  *own_first = (PetscInt)begin;
  *own       = (PetscInt)(end - begin);
}

static PetscErrorCode Parse(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanMesh m)
{
  int64_t counts[2], header, before, mine, all;
  int rank;
  PetscFunctionBeginUser;
  m->comm = comm;
  PetscCall(ReadHeader(comm, path, part, counts, &header));
  PetscCall(CountLines(comm, part, header, &before, &mine));
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, comm));
  SpanCheckInput(comm, all >= counts[0] + counts[1],
                 "%s: line %lld says %lld points and %lld cells, the file has %lld lines for them", path,
                 (long long)header, (long long)counts[0], (long long)counts[1], (long long)all);
  m->n_points = (PetscInt)counts[0];
  m->n_cells  = (PetscInt)counts[1];
  Overlap(before, mine, 0, counts[0], &m->first_point, &m->n_own_points);
  Overlap(before, mine, counts[0], counts[1], &m->first_cell, &m->n_own_cells);
  PetscCall(PetscMalloc1(3 * m->n_own_points, &m->point));
  PetscCall(PetscCalloc1(m->n_own_cells + 1, &m->first));
  PetscCall(SpanErrorAgree(comm, ReadLines(path, part, header, before, m)));
  PetscInt64 corners = m->first[m->n_own_cells];
  PetscCallMPI(MPI_Allreduce(&corners, &m->n_corners, 1, MPIU_INT64, MPI_SUM, comm));
  PetscCallMPI(MPI_Exscan(&corners, &m->before, 1, MPIU_INT64, MPI_SUM, comm));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) m->before = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMeshRead(MPI_Comm comm, const char path[], SpanMesh *mesh)
{
  SpanTextPart part = {0};
  PetscFunctionBeginUser;
  PetscCall(PetscNew(mesh));
  PetscCall(SpanTextRead(comm, path, &part));
  PetscErrorCode ierr = Parse(comm, path, &part, *mesh);
  PetscCall(PetscFree(part.text));
  if (ierr) PetscCall(SpanMeshDestroy(mesh));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanMeshDestroy(SpanMesh *mesh)
{
  SpanMesh m = *mesh;
  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(0);
  PetscCall(PetscFree(m->point));
  PetscCall(PetscFree(m->corner));
  PetscCall(PetscFree(m->first));
  PetscCall(PetscFree(*mesh));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOffRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *l)
{
  SpanMesh m;
  PetscInt64 room = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  PetscErrorCode ierr = Parse(comm, path, part, m);
  for (PetscInt c = 0; c < m->n_own_cells && !ierr; c++)
    for (PetscInt k = m->first[c]; k < m->first[c + 1] && !ierr; k++)
      ierr = SpanListingsAdd(l, &room, m->corner[k], m->corner[k + 1 < m->first[c + 1] ? k + 1 : m->first[c]], 1);
  l->n_nodes = m->n_points;
  l->once = l->shared = PETSC_TRUE;
  snprintf(l->format, sizeof l->format, "OFF, %" PetscInt_FMT " cells", m->n_cells);
  PetscCall(SpanMeshDestroy(&m));
  PetscFunctionReturn(ierr);
}
