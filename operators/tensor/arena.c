/* Blocks are kept in lists by size, where a size is rounded up to one of eight steps between powers of two: at most an
   eighth is wasted, and requests that are nearly equal share blocks. */
#include <subspan/operators/tensor/arena.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { steps = 8, n_classes = 64 * steps, header_bytes = 64, smallest = 256, huge_page = 1 << 21 };

typedef struct Block_ {
  struct Block_ *next;
  size_t bytes;
  int size_class;
} Block;

enum { near_classes = 3 }; /* a third larger */

struct SpanArena_ {
  Block *free[n_classes];
  PetscBool varying;
  size_t in_use, taken, peak;
};

static int SizeClass(size_t bytes, size_t *rounded)
{
  if (bytes < smallest) bytes = smallest;
  const int power   = 63 - __builtin_clzll(bytes);
  const size_t step = ((size_t)1 << power) / steps;
  const size_t k    = (bytes - ((size_t)1 << power) + step - 1) / step;
  *rounded          = ((size_t)1 << power) + k * step;
  return power * steps + (int)k;
}

PetscErrorCode SpanArenaCreate(SpanArena *arena)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(arena));
  PetscFunctionReturn(0);
}

/* The first of the list's blocks, to the operating system. */
static void ReleaseOne(SpanArena arena, int size_class)
{
  Block *block            = arena->free[size_class];
  arena->free[size_class] = block->next;
  arena->taken -= block->bytes;
  free(block);
}

static void Release(SpanArena arena)
{
  for (int i = 0; i < n_classes; i++)
    while (arena->free[i]) ReleaseOne(arena, i);
}

PetscErrorCode SpanArenaSetVarying(SpanArena arena, PetscBool varying)
{
  PetscFunctionBeginUser;
  arena->varying = varying;
  PetscFunctionReturn(0);
}

/* The nearest list with a free block; if there is none, one a little smaller makes room. */
static int Near(SpanArena arena, int size_class)
{
  for (int i = size_class; i <= size_class + near_classes && i < n_classes; i++)
    if (arena->free[i]) return i;
  for (int i = size_class - 1; i >= size_class - near_classes && i >= 0; i--)
    if (arena->free[i]) {
      ReleaseOne(arena, i);
      break;
    }
  return size_class;
}

PetscErrorCode SpanArenaDestroy(SpanArena *arena)
{
  PetscFunctionBeginUser;
  if (!*arena) PetscFunctionReturn(0);
  PetscCheck((*arena)->in_use == 0, PETSC_COMM_SELF, PETSC_ERR_ORDER, "%zu bytes of the arena are still in use",
             (*arena)->in_use);
  Release(*arena);
  PetscCall(PetscFree(*arena));
  PetscFunctionReturn(0);
}

/* Large blocks ask for huge pages: a pass over a tensor in small ones misses the table of pages at every step. */
static Block *Allocate(size_t total)
{
  const size_t huge = total / huge_page * huge_page;
  void *block       = NULL;
  if (posix_memalign(&block, huge ? huge_page : 64, total)) return NULL;
#ifdef MADV_HUGEPAGE
  if (huge) (void)madvise(block, huge, MADV_HUGEPAGE); /* a wish */
#endif
  return block;
}

/* From the list of `from`, or, if that is empty, from the operating system with `rounded` bytes. */
static PetscErrorCode Take(SpanArena arena, int size_class, int from, size_t rounded, size_t bytes, void *block)
{
  PetscFunctionBeginUser;
  Block *found = arena->free[from];
  if (found) {
    arena->free[from] = found->next;
  } else {
    const size_t total = (rounded + header_bytes + 63) / 64 * 64;
    found              = Allocate(total);
    if (!found) {
      Release(arena);
      found = Allocate(total);
    }
    PetscCheck(found, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %zu bytes beside the arena's %zu", bytes,
               arena->taken);
    found->bytes      = total;
    found->size_class = size_class;
    arena->taken += total;
    if (arena->taken > arena->peak) arena->peak = arena->taken;
  }
  arena->in_use += found->bytes;
  *(void **)block = (char *)found + header_bytes;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanArenaGet(SpanArena arena, size_t bytes, void *block)
{
  size_t rounded;
  const int size_class = SizeClass(bytes, &rounded);
  PetscFunctionBeginUser;
  PetscCall(Take(arena, size_class, arena->varying ? Near(arena, size_class) : size_class, rounded, bytes, block));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanArenaGetScratch(SpanArena arena, size_t bytes, void *block)
{
  size_t rounded;
  const int size_class = SizeClass(bytes, &rounded);
  int from             = size_class;
  PetscFunctionBeginUser;
  while (from < n_classes && !arena->free[from]) from++;
  PetscCall(Take(arena, size_class, from < n_classes ? from : size_class, rounded, bytes, block));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanArenaReturn(SpanArena arena, void *block)
{
  PetscFunctionBeginUser;
  if (!block) PetscFunctionReturn(0);
  Block *returned = (Block *)(void *)((char *)block - header_bytes);
  arena->in_use -= returned->bytes;
  returned->next                    = arena->free[returned->size_class];
  arena->free[returned->size_class] = returned;
  PetscFunctionReturn(0);
}

void SpanArenaUsage(SpanArena arena, size_t *in_use, size_t *peak)
{
  *in_use = arena->in_use;
  *peak   = arena->peak;
}
