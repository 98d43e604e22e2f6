/* Errors: PETSc's convention throughout, with one class of our own.

   A fault of the input (a file, an option) is raised with PETSC_ERR_USER_INPUT through SpanCheckInput; it names the
   file, the field and both values in one line, prints no stack, and ends the program with status 2. Every other
   error prints PETSc's stack and ends with status 1. */
#pragma once
#include <petscsys.h>

/* Raises an input error on `comm` unless `condition` holds. Collective if the condition is; a condition that only
   one rank can see is made collective by SpanErrorAgree. */
#define SpanCheckInput(comm, condition, ...) PetscCheck(condition, comm, PETSC_ERR_USER_INPUT, __VA_ARGS__)

/* An input error unless an array of so many numbers can be indexed by PetscInt, which has 32 bits or, built so, 64. */
PetscErrorCode SpanCheckCount(MPI_Comm comm, const char path[], const char what[], double numbers);

/* Installs the handler that keeps the message of an input error instead of printing a stack. */
PetscErrorCode SpanErrorHandlerPush(void);
PetscErrorCode SpanErrorHandlerPop(void);

/* The message of the last input error on this rank; empty if there was none. */
const char *SpanErrorMessage(void);

/* Collective on `comm`: turns an error on any rank into the same error, with the message of the lowest failing rank,
   on all. Use as PetscCall(SpanErrorAgree(comm, local_call())). */
PetscErrorCode SpanErrorAgree(MPI_Comm comm, PetscErrorCode local);

/* An input error as a value, for SpanErrorAgree. */
#define SpanInputError(...)                                                                                            \
  PetscError(PETSC_COMM_SELF, __LINE__, PETSC_FUNCTION_NAME, __FILE__, PETSC_ERR_USER_INPUT, PETSC_ERROR_INITIAL,      \
             __VA_ARGS__)
