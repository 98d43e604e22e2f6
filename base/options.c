/* The program's spelling of options, one table of them a command, and the nearest name for a misspelt one. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <ctype.h>
#include <petscksp.h>
#include <stdlib.h>
#include <string.h>

/* Options that PETSc itself reads, some of them only when it ends. */
static const char *const petsc_options[] = {
    "log_",    "malloc",   "memory_",      "options_",   "info",        "on_error",          "debug", "fp_",
    "objects", "io_hints", "io_alignment", "skip_petsc", "nox_warning", "span_options_file", NULL};

static PetscBool IsOption(const char *word)
{
  const char *name = word + (word[0] == '-') + (word[0] == '-' && word[1] == '-');
  return word[0] == '-' && isalpha((unsigned char)name[0]);
}

static PetscBool IsFlag(const char *name, const char *const flags[])
{
  for (int i = 0; flags[i]; i++)
    if (!strcmp(name, flags[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

void SpanOptionsParse(int argc, char **argv, const char *const flags[], int *petsc_argc, char ***petsc_argv,
                      int *n_inputs, const char *const **inputs)
{
  char **out         = calloc(2 * (size_t)argc + 1, sizeof *out);
  const char **words = calloc((size_t)argc + 1, sizeof *words);
  int n_out = 0, n_words = 0;
  out[n_out++] = argv[0];
  for (int i = 1; i < argc; i++) {
    if (!IsOption(argv[i])) {
      words[n_words++] = argv[i];
      continue;
    }
    char *name  = strdup(argv[i][1] == '-' ? argv[i] + 1 : argv[i]);
    char *equal = strchr(name, '=');
    if (equal) *equal = 0;
    for (char *c = name; *c; c++)
      if (c > name && *c == '-') *c = '_';
    if (!strcmp(name, "-help") || !strcmp(name, "-h")) strcpy(name = realloc(name, 16), "-span_help");
    if (!strcmp(name, "-options_file")) strcpy(name = realloc(name, 24), "-span_options_file");
    out[n_out++] = name;
    if (equal)
      out[n_out++] = equal + 1;
    else if (!IsFlag(name + 1, flags) && i + 1 < argc && !IsOption(argv[i + 1]))
      out[n_out++] = argv[++i];
  }
  *petsc_argc = n_out;
  *petsc_argv = out;
  *n_inputs   = n_words;
  *inputs     = words;
}

/* Damerau-Levenshtein distance with adjacent swaps; words longer than 63 letters count as far. */
static int EditDistance(const char *a, const char *b)
{
  int d[64][64], n = (int)strlen(a), m = (int)strlen(b);
  if (n > 63 || m > 63) return 64;
  for (int i = 0; i <= n; i++) d[i][0] = i;
  for (int j = 0; j <= m; j++) d[0][j] = j;
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= m; j++) {
      int best = PetscMin(PetscMin(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = PetscMin(best, d[i - 2][j - 2] + 1);
      d[i][j] = best;
    }
  return d[n][m];
}

const char *SpanOptionsNearest(const char word[], const char *const candidates[], int n)
{
  const char *nearest = NULL;
  int best            = 1 + (int)PetscMax(2, strlen(word) / 2);
  for (int i = 0; i < n; i++) {
    int distance = EditDistance(word, candidates[i]);
    if (distance < best) {
      best    = distance;
      nearest = candidates[i];
    }
  }
  return nearest;
}

static PetscErrorCode ReadChoice(MPI_Comm comm, const SpanOption *option, const char text[])
{
  char list[512], *state, *names[32];
  int n = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(list, option->choices, sizeof list));
  for (char *word = strtok_r(list, "|", &state); word; word = strtok_r(NULL, "|", &state)) {
    if (!strcmp(word, text)) {
      PetscCall(PetscStrncpy(option->value, text, PETSC_MAX_PATH_LEN));
      PetscFunctionReturn(0);
    }
    names[n++] = word;
  }
  const char *nearest = SpanOptionsNearest(text, (const char *const *)names, n);
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "--%s %s: not one of %s%s%s%s", option->name, text, option->choices,
          nearest ? " (nearest: " : "", nearest ? nearest : "", nearest ? ")" : "");
}

static PetscErrorCode ReadNumber(MPI_Comm comm, const SpanOption *option, const char text[])
{
  char *end;
  PetscBool integer = (PetscBool)(option->type == SPAN_OPTION_INT);
  PetscFunctionBeginUser;
  double number = integer ? (double)strtoll(text, &end, 10) : strtod(text, &end);
  SpanCheckInput(comm, end != text && !*end && isfinite(number), "--%s %s: not %s number", option->name, text,
                 integer ? "a whole" : "a finite");
  SpanCheckInput(comm, (option->min == 0 && option->max == 0) || (number >= option->min && number <= option->max),
                 "--%s %s: out of range, must be between %g and %g", option->name, text, option->min, option->max);
  if (integer)
    *(PetscInt *)option->value = (PetscInt)number;
  else
    *(PetscReal *)option->value = number;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadOne(MPI_Comm comm, const SpanOption *option)
{
  char name[128], text[PETSC_MAX_PATH_LEN] = "";
  PetscBool set;
  PetscFunctionBeginUser;
  if (option->type == SPAN_OPTION_HEADING) PetscFunctionReturn(0);
  PetscCall(PetscSNPrintf(name, sizeof name, "-%s", option->name));
  PetscCall(PetscOptionsGetString(NULL, NULL, name, text, sizeof text, &set));
  if (!set) PetscFunctionReturn(0);
  if (option->type == SPAN_OPTION_BOOL) {
    PetscBool yes = (PetscBool)(!text[0] || !strcmp(text, "1") || !strcmp(text, "true") || !strcmp(text, "yes"));
    PetscBool no  = (PetscBool)(!strcmp(text, "0") || !strcmp(text, "false") || !strcmp(text, "no"));
    SpanCheckInput(comm, yes || no, "--%s %s: must be true or false", option->name, text);
    *(PetscBool *)option->value = yes;
    PetscFunctionReturn(0);
  }
  SpanCheckInput(comm, text[0], "--%s: the value is missing", option->name);
  if (option->type == SPAN_OPTION_CHOICE)
    PetscCall(ReadChoice(comm, option, text));
  else if (option->type == SPAN_OPTION_STRING)
    PetscCall(PetscStrncpy(option->value, text, PETSC_MAX_PATH_LEN));
  else
    PetscCall(ReadNumber(comm, option, text));
  PetscFunctionReturn(0);
}

/* Lets a KSP without operators read its options, so that they count as known from the start. */
static PetscErrorCode TouchKSP(MPI_Comm comm, const char prefix[])
{
  KSP ksp;
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(KSPCreate(comm, &ksp));
  PetscCall(KSPSetOptionsPrefix(ksp, prefix));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPDestroy(&ksp));
  PetscFunctionReturn(0);
}

/* Options of solvers inside a command's solver, which are known once it is built (SpanOptionsRefuseLeft). */
static PetscBool IsNested(const SpanCommandHelp *help, const char name[])
{
  static const char *const inner[] = {"mg_", "pc_mg_", "sub_"};
  for (int i = 0; help->prefixes && help->prefixes[i]; i++) {
    const size_t length = strlen(help->prefixes[i]);
    for (size_t k = 0; k < sizeof inner / sizeof inner[0]; k++)
      if (!strncmp(name, help->prefixes[i], length) && !strncmp(name + length, inner[k], strlen(inner[k])))
        return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

PetscErrorCode SpanOptionsRefuseLeft(MPI_Comm comm, const char prefix[])
{
  PetscInt n_left;
  char **names, **values;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n_left, &names, &values));
  for (PetscInt i = 0; i < n_left; i++)
    SpanCheckInput(comm, strncmp(names[i], prefix, strlen(prefix)), "--%s: the solver has no such option", names[i]);
  PetscCall(PetscOptionsLeftRestore(NULL, &n_left, &names, &values));
  PetscFunctionReturn(0);
}

static PetscErrorCode RefuseUnknown(MPI_Comm comm, const SpanCommandHelp *help)
{
  PetscInt n_left;
  char **names, **values;
  const char *known[256];
  int n_known = 0;
  PetscFunctionBeginUser;
  for (const SpanOption *o = help->options; o->name && n_known < 255; o++)
    if (o->type != SPAN_OPTION_HEADING) known[n_known++] = o->name;
  known[n_known++] = "help";
  PetscCall(PetscOptionsLeftGet(NULL, &n_left, &names, &values));
  for (PetscInt i = 0; i < n_left; i++) {
    PetscBool fine = IsNested(help, names[i]);
    for (int j = 0; petsc_options[j] && !fine; j++)
      fine = (PetscBool)!strncmp(names[i], petsc_options[j], strlen(petsc_options[j]));
    const char *nearest = SpanOptionsNearest(names[i], known, n_known);
    SpanCheckInput(comm, fine, "--%s: `subspan %s` has no such option%s%s%s", names[i], help->name,
                   nearest ? "; the nearest is --" : "; see --help", nearest ? nearest : "", "");
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n_left, &names, &values));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintOption(MPI_Comm comm, const SpanOption *o)
{
  char left[160], limits[256] = "";
  PetscFunctionBeginUser;
  if (o->type == SPAN_OPTION_HEADING) {
    PetscCall(PetscPrintf(comm, "\n%s:\n", o->help));
    PetscFunctionReturn(0);
  }
  const char *value = o->type == SPAN_OPTION_BOOL     ? ""
                      : o->type == SPAN_OPTION_INT    ? " N"
                      : o->type == SPAN_OPTION_REAL   ? " X"
                      : o->type == SPAN_OPTION_CHOICE ? " NAME"
                                                      : " TEXT";
  PetscCall(PetscSNPrintf(left, sizeof left, "%s%s%s", strlen(o->name) == 1 ? "-" : "--", o->name, value));
  const PetscBool number = (PetscBool)(o->type == SPAN_OPTION_INT || o->type == SPAN_OPTION_REAL);
  const double held      = o->type == SPAN_OPTION_INT    ? (double)*(PetscInt *)o->value
                           : o->type == SPAN_OPTION_REAL ? (double)*(PetscReal *)o->value
                                                         : 0;
  const PetscBool bounds = (PetscBool)(o->min != 0 || o->max != 0);
  if (o->type == SPAN_OPTION_CHOICE)
    PetscCall(PetscSNPrintf(limits, sizeof limits, *(char *)o->value ? " [%s; default %s]" : " [%s]", o->choices,
                            (char *)o->value));
  else if (number && bounds && (held < o->min || held > o->max)) /* its help says what happens without it */
    PetscCall(PetscSNPrintf(limits, sizeof limits, " [%g to %g]", o->min, o->max));
  else if (number && bounds)
    PetscCall(PetscSNPrintf(limits, sizeof limits, " [%g to %g; default %.10g]", o->min, o->max, held));
  else if (number)
    PetscCall(PetscSNPrintf(limits, sizeof limits, " [default %.10g]", held));
  PetscCall(PetscPrintf(comm, "  %-26s %s%s\n", left, o->help, limits));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHelp(MPI_Comm comm, const SpanCommandHelp *help)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "usage: [mpirun -n RANKS] subspan %s\n\n%s\n\noptions:\n", help->usage, help->summary));
  for (const SpanOption *o = help->options; o->name; o++)
    if (o->help) PetscCall(PrintOption(comm, o));
  for (int i = 0; help->prefixes && help->prefixes[i]; i++)
    PetscCall(PetscPrintf(comm, "  --%sksp_...%*sPETSc's KSP options, for example --%sksp_max_it 50\n",
                          help->prefixes[i], (int)(17 - strlen(help->prefixes[i])), "", help->prefixes[i]));
  PetscCall(PetscPrintf(comm, "  %-26s %s\n  %-26s %s\n", "--options_file FILE",
                        "read options from a file (PETSc's format, or YAML by its ending)", "--log_view",
                        "PETSc's table of time, flops and messages by event at the end"));
  PetscCall(PetscPrintf(comm, "  %-26s %s\n  %-26s %s\n", "--io_hints TEXT",
                        "MPI-IO's hints for files that are written, for example striping_factor=8,cb_nodes=4",
                        "--io_alignment N", "bytes at whose multiples their larger arrays begin"));
  PetscCall(PetscPrintf(comm, "\nexamples:\n%s", help->examples));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOptionsRead(MPI_Comm comm, const SpanCommandHelp *help, PetscBool *stop)
{
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", stop));
  if (*stop) {
    PetscCall(PrintHelp(comm, help));
    PetscFunctionReturn(0);
  }
  for (const SpanOption *option = help->options; option->name; option++) PetscCall(ReadOne(comm, option));
  for (int i = 0; help->prefixes && help->prefixes[i]; i++) PetscCall(TouchKSP(comm, help->prefixes[i]));
  PetscCall(RefuseUnknown(comm, help));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOptionsSlices(MPI_Comm comm, const char text[], const char path[], PetscInt n, PetscInt *first,
                                 PetscInt *count)
{
  char *end;
  PetscFunctionBeginUser;
  *first = 0;
  *count = n;
  if (!text[0]) PetscFunctionReturn(0);
  long long from = strtoll(text, &end, 10), to = *end == ':' ? strtoll(end + 1, &end, 10) : -1;
  SpanCheckInput(comm, !*end && from >= 0 && to > from && to <= n,
                 "--slices %s: must be FIRST:LAST with 0 <= FIRST < LAST <= %" PetscInt_FMT ", the slices of %s", text,
                 n, path);
  *first = (PetscInt)from;
  *count = (PetscInt)(to - from);
  PetscFunctionReturn(0);
}
