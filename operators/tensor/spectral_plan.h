/* In which order the spectrum and the parts of a weight are multiplied, two at a time. */
#pragma once
#include <subspan/operators/tensor/contraction.h>

enum { span_plan_max_operands = 9, span_plan_max_tensors = 2 * span_plan_max_operands };

/* Tensors 0 .. n_operands - 1 are given, step s makes number n_operands + s of two that are there; each is used once.
 */
typedef struct {
  int n_operands, n_steps;
  struct {
    int a, b;
    uint32_t labels; /* of the result, bit l for label l */
  } step[span_plan_max_operands];
  double flops; /* real additions and multiplications of all steps */
} SpanContractionPlan;

/* The cheapest order for sizes as they are; the labels of `out` are not summed over. Errors: too many operands. */
PetscErrorCode SpanContractionPlanCreate(int n_operands, const SpanLabelled operands[], const SpanLabelled *out,
                                         SpanContractionPlan *plan);
