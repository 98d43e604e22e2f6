/* The memory of tensors and of scratch: blocks aligned to a cache line that are kept and handed out again, so that a
   step of training after the first asks nothing of the operating system, and whose peak is known. */
#pragma once
#include <petscsys.h>

typedef struct SpanArena_ *SpanArena;

PetscErrorCode SpanArenaCreate(SpanArena *arena);
/* Errors: blocks are still out. */
PetscErrorCode SpanArenaDestroy(SpanArena *arena);
/* For batches whose sizes differ from step to step: a request takes a free block that is up to a third larger, or has
   smaller ones that are nearly as large returned to the operating system before it asks for more, so that memory
   settles at what the largest step needs and not at that of every size there was. Off unless set. */
PetscErrorCode SpanArenaSetVarying(SpanArena arena, PetscBool varying);
/* Uninitialised memory, aligned to 64 bytes. */
PetscErrorCode SpanArenaGet(SpanArena arena, size_t bytes, void *block);
/* The same for memory that is returned at once: takes the smallest block that is free, however large. */
PetscErrorCode SpanArenaGetScratch(SpanArena arena, size_t bytes, void *block);
PetscErrorCode SpanArenaReturn(SpanArena arena, void *block);
/* Bytes handed out now, and the most that was ever taken from the operating system. */
void SpanArenaUsage(SpanArena arena, size_t *in_use, size_t *peak);
