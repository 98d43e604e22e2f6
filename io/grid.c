/* Default geometry. */
#include <subspan/io/grid.h>

SpanGrid SpanGridUnknown(PetscInt nz, PetscInt ny, PetscInt nx)
{
  return (SpanGrid){.nz = nz, .ny = ny, .nx = nx, .spacing = {1, 1, 1}, .direction = {1, 0, 0, 0, 1, 0, 0, 0, 1}};
}
