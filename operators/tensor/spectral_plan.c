/* The cost model: a product of two tensors takes 6 real operations (three real products) for each element of the union
   of their axes, and writing a complex number and reading it again in the next product takes the time of some 32. The
   backward pass does twice the work of each step, so that the cheapest forward pass is that of training too.

   The best order for a set of operands is the best way of splitting it into two sets, each done by its own best order:
   3^n splits for n operands, of which there are at most 9. Rebuilding the dense weight is one of the orders, taken
   where it is cheapest; products that keep it factorised are others. */
#include <subspan/operators/tensor/spectral_plan.h>

static const double flops_of_product = 6, flops_of_moving = 32;

enum { max_labels = 32 };

typedef struct {
  int n;
  uint32_t labels[1 << span_plan_max_operands]; /* of the result of a set of operands */
  double size[max_labels], cost[1 << span_plan_max_operands], flops[1 << span_plan_max_operands];
  int split[1 << span_plan_max_operands];
} Search;

static double Size(const Search *s, uint32_t labels)
{
  double size = 1;
  for (int l = 0; l < max_labels; l++)
    if (labels >> l & 1) size *= s->size[l];
  return size;
}

static uint32_t LabelsOf(Search *s, const SpanLabelled *t)
{
  uint32_t labels = 0;
  for (int i = 0; i < t->n; i++) {
    labels |= 1u << t->label[i];
    s->size[t->label[i]] = (double)t->size[i];
  }
  return labels;
}

static void Split(Search *s, int set)
{
  s->cost[set] = -1;
  /* the half with the lowest operand of the set, so that no split comes twice */
  for (int half = (set - 1) & set; half > 0; half = (half - 1) & set) {
    if (!(half & set & -set)) continue;
    const int other   = set ^ half;
    const double all  = flops_of_product * Size(s, s->labels[half] | s->labels[other]);
    const double cost = s->cost[half] + s->cost[other] + all + flops_of_moving * Size(s, s->labels[set]);
    if (s->cost[set] >= 0 && cost >= s->cost[set]) continue;
    s->cost[set]  = cost;
    s->flops[set] = s->flops[half] + s->flops[other] + all;
    s->split[set] = half;
  }
}

/* Appends the steps for a set; the number of the tensor that is its result. */
static int Steps(const Search *s, int set, SpanContractionPlan *plan)
{
  if ((set & (set - 1)) == 0) return __builtin_ctz((unsigned)set);
  const int a = Steps(s, s->split[set], plan), b = Steps(s, set ^ s->split[set], plan);
  plan->step[plan->n_steps].a      = a;
  plan->step[plan->n_steps].b      = b;
  plan->step[plan->n_steps].labels = s->labels[set];
  return plan->n_operands + plan->n_steps++;
}

PetscErrorCode SpanContractionPlanCreate(int n_operands, const SpanLabelled operands[], const SpanLabelled *out,
                                         SpanContractionPlan *plan)
{
  Search *s;
  uint32_t single[span_plan_max_operands];
  PetscFunctionBeginUser;
  PetscCheck(n_operands >= 1 && n_operands <= span_plan_max_operands, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a product of %d tensors", n_operands);
  PetscCall(PetscNew(&s));
  for (int i = 0; i < n_operands; i++) single[i] = LabelsOf(s, &operands[i]);
  const uint32_t kept = LabelsOf(s, out);
  const int all       = (1 << n_operands) - 1;
  for (int set = 1; set <= all; set++) {
    uint32_t inside = 0, outside = kept;
    for (int i = 0; i < n_operands; i++) *(set >> i & 1 ? &inside : &outside) |= single[i];
    s->labels[set] = inside & outside;
    if ((set & (set - 1)) != 0) Split(s, set);
  }
  *plan = (SpanContractionPlan){.n_operands = n_operands, .flops = s->flops[all]};
  Steps(s, all, plan);
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}
