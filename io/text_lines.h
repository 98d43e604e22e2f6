/* A text file read in parallel: a rank gets the lines that begin in its share of the bytes. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef struct {
  char *text;         /* ends with a newline and a 0; the lines hold no other 0; PetscFree it */
  int64_t first_line; /* the number of its first line in the file, from 1 */
} SpanTextPart;

/* Collective. Errors (input): cannot be read, no regular file, bytes of 0, which no text has. */
PetscErrorCode SpanTextRead(MPI_Comm comm, const char path[], SpanTextPart *part);

/* Each takes one thing at *at, past blanks, and moves there behind it, or leaves *at and is false. Blanks are spaces,
   tabs, commas and carriage returns. */
PetscBool SpanTextEndOfLine(const char **at);
PetscBool SpanTextInteger(const char **at, int64_t *value); /* of up to 18 digits */
PetscBool SpanTextReal(const char **at, double *value);
/* Moves *at to the next line. */
void SpanTextSkipLine(const char **at);
/* What stands at `at`, up to a blank or 24 letters, for messages. */
const char *SpanTextWord(const char *at, char word[25]);
