/* Encodings on a mesh: VTKHDF, version 1.0, type UnstructuredGrid (VTK file formats, "VTKHDF"), of one piece. */
#include <subspan/base/error.h>

#include <subspan/io/hdf5_write.h>
#include <subspan/io/mesh.h>
#include <subspan/solvers/encode/write.h>
#include <stdlib.h>

enum { vtk_line = 3, vtk_triangle = 5, vtk_polygon = 7, vtk_quad = 9, vtk_vertex = 1 };

static unsigned char CellType(PetscInt corners)
{
  const unsigned char types[] = {0, vtk_vertex, vtk_line, vtk_triangle, vtk_quad};
  return corners <= 4 ? types[corners] : vtk_polygon;
}

/* Rows first .. first + count of (rows, width), width 0: of one dimension. */
static herr_t Write(hid_t place, const char name[], hid_t type, PetscInt64 rows, PetscInt width, PetscInt64 first,
                    PetscInt64 count, const void *data)
{
  const hsize_t dims[2] = {(hsize_t)rows, (hsize_t)width}, start[2] = {(hsize_t)first, 0},
                size[2] = {(hsize_t)count, (hsize_t)width};
  const int n           = width ? 2 : 1;
  hid_t dataset         = SpanHdf5CreateArray(place, name, type, n, dims);
  herr_t status         = SpanHdf5WriteSlab(dataset, type, n, start, size, (PetscBool)(count > 0), data);
  if (dataset >= 0) H5Dclose(dataset);
  return status;
}

static herr_t WriteCells(hid_t vtk, const SpanMesh m, PetscBool last)
{
  const PetscInt n = m->n_own_cells, ends = n + last;
  int64_t *corners     = malloc(((size_t)m->first[n] + 1) * sizeof *corners),
          *first       = malloc(((size_t)n + 1) * sizeof *first);
  unsigned char *types = malloc((size_t)n + 1);
  herr_t status        = corners && first && types ? 0 : -1;
  for (PetscInt k = 0; k < m->first[n] && !status; k++) corners[k] = m->corner[k];
  for (PetscInt c = 0; c <= n && !status; c++) first[c] = m->before + m->first[c];
  for (PetscInt c = 0; c < n && !status; c++) types[c] = CellType(m->first[c + 1] - m->first[c]);
  status |= Write(vtk, "Connectivity", H5T_NATIVE_INT64, m->n_corners, 0, m->before, m->first[n], corners);
  status |= Write(vtk, "Offsets", H5T_NATIVE_INT64, (PetscInt64)m->n_cells + 1, 0, m->first_cell, ends, first);
  status |= Write(vtk, "Types", H5T_NATIVE_UCHAR, m->n_cells, 0, m->first_cell, n, types);
  free(corners);
  free(first);
  free(types);
  return status;
}

PetscErrorCode SpanEncodeWriteMesh(const SpanEncodeRun *r, hid_t file)
{
  const int version[2]       = {1, 0};
  const char *const arrays[] = {"node_id", "eigenvectors", "encoding"};
  int rank, size;
  SpanMesh m;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(r->comm, &rank));
  PetscCallMPI(MPI_Comm_size(r->comm, &size));
  PetscCall(SpanMeshRead(r->comm, r->input, &m));
  const int64_t counts[3] = {m->n_points, m->n_cells, m->n_corners};
  hid_t vtk               = H5Gcreate2(file, "VTKHDF", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        points            = H5Gcreate2(vtk, "PointData", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status           = SpanHdf5WriteNumbers(vtk, "Version", H5T_NATIVE_INT, 2, version);
  status |= SpanHdf5WriteText(vtk, "Type", "UnstructuredGrid");
  status |= Write(vtk, "NumberOfPoints", H5T_NATIVE_INT64, 1, 0, 0, !rank, &counts[0]);
  status |= Write(vtk, "NumberOfCells", H5T_NATIVE_INT64, 1, 0, 0, !rank, &counts[1]);
  status |= Write(vtk, "NumberOfConnectivityIds", H5T_NATIVE_INT64, 1, 0, 0, !rank, &counts[2]);
  status |= Write(vtk, "Points", H5T_NATIVE_DOUBLE, m->n_points, 3, m->first_point, m->n_own_points, m->point);
  status |= WriteCells(vtk, m, (PetscBool)(rank == size - 1));
  for (int k = 0; k < (r->encoding ? 3 : 2); k++)
    status |= H5Lcreate_hard(file, arrays[k], points, arrays[k], H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(points);
  H5Gclose(vtk);
  PetscCall(SpanMeshDestroy(&m));
  PetscCall(SpanErrorAgree(r->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscFunctionReturn(0);
}
