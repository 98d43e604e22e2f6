/* subspan COMMAND INPUT... [--option value]...: finds the command, starts PETSc, maps errors to exit statuses.

   0 done; 1 a run that failed; 2 bad usage or input; 75 stopped on a signal with a checkpoint written. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/initialize.h>
#include <subspan/base/options_file.h>
#include <subspan/base/signals.h>
#include <subspan/solvers/compare/compare.h>
#include <subspan/solvers/encode/encode.h>
#include <subspan/solvers/info/info.h>
#include <subspan/solvers/predict/predict.h>
#include <subspan/solvers/recon/recon.h>
#include <subspan/solvers/simulate/simulate.h>
#include <subspan/solvers/train/train.h>
#include <subspan/solvers/view/view.h>
#include <signal.h>
#include <slepcsys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name, *summary;
  PetscErrorCode (*run)(MPI_Comm comm, const char *const inputs[], int n_inputs);
} Command;

static const Command commands[] = {
    {"recon", "reconstruct images from raw k-space, volumes from CT projections", SpanReconCommand},
    {"train", "train a prior on images, an operator on fields, an encoding on graphs", SpanTrainCommand},
    {"predict", "apply a learned operator to fields", SpanPredictCommand},
    {"simulate", "make measurements from images, or fields of differential equations", SpanSimulateCommand},
    {"encode", "encode the nodes of a graph by Laplacian eigenpairs or a learned encoding", SpanEncodeCommand},
    {"compare", "measure a result against a reference", SpanCompareCommand},
    {"view", "draw a file as a PNG", SpanViewCommand},
    {"info", "say what a file is", SpanInfoCommand},
};
enum { n_commands = sizeof commands / sizeof commands[0] };

static const char *const flags[] = {"span_help", "help",     "h",        "version",    "resume", "plan",
                                    "montage",   "log_view", "no_phase", "unweighted", NULL};

static int Usage(FILE *out)
{
  fprintf(out, "usage: [mpirun -n RANKS] subspan COMMAND INPUT... [--option value]...\n\ncommands:\n");
  for (int i = 0; i < n_commands; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf(out, "\n`subspan COMMAND --help` lists a command's options and shows examples.\n");
  return out == stdout ? 0 : 2;
}

static int UnknownCommand(const char word[])
{
  const char *names[n_commands];
  for (int i = 0; i < n_commands; i++) names[i] = commands[i].name;
  const char *nearest = SpanOptionsNearest(word, names, n_commands);
  if (nearest)
    fprintf(stderr, "subspan: %s: no such command; the nearest is %s\n", word, nearest);
  else {
    fprintf(stderr, "subspan: %s: no such command; they are", word);
    for (int i = 0; i < n_commands; i++) fprintf(stderr, "%s %s", i ? "," : "", names[i]);
    fprintf(stderr, "\n");
  }
  return 2;
}

/* Without mpirun Open MPI would start a daemon for the one rank and look at every network: 0.3 s for nothing. */
static void QuickSingleRank(void)
{
  if (getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK") || getenv("SLURM_STEP_ID")) return;
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_btl", "self", 0);
  setenv("HWLOC_COMPONENTS", "-pci,-linuxio,-gl", 0); /* reading every PCI device takes 7 ms; -gl asks X displays */
}

static int Finish(PetscErrorCode ierr)
{
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (ierr && ierr != PETSC_ERR_USER_INPUT) {
    if (ierr == SPAN_STOPPED) {
      SlepcFinalize();
      return 75;
    }
    fprintf(stderr, "subspan: rank %d failed\n", rank);
    MPI_Abort(PETSC_COMM_WORLD, 1);
  }
  if (ierr && rank == 0) fprintf(stderr, "subspan: %s\n", SpanErrorMessage());
  if (SlepcFinalize()) return 1;
  return ierr ? 2 : 0;
}

int main(int argc, char **argv)
{
  int n_inputs, petsc_argc;
  char **petsc_argv;
  const char *const *inputs;
  const Command *command = NULL;
  if (argc > 1 && !strcmp(argv[1], "--version")) return printf("subspan %s\n", SUBSPAN_VERSION) < 0;
  if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return Usage(argc < 2 ? stderr : stdout);
  for (int i = 0; i < n_commands; i++)
    if (!strcmp(argv[1], commands[i].name)) command = &commands[i];
  if (!command) return UnknownCommand(argv[1]);

  SpanOptionsParse(argc - 1, argv + 1, flags, &petsc_argc, &petsc_argv, &n_inputs, &inputs);
  QuickSingleRank();
  /* Shared file pointers, which nothing here uses: Open MPI makes a semaphore for them that bears the file's name
     alone. One that a killed run left behind would hang the next run for ever. */
  setenv("OMPI_MCA_sharedfp", "^sm", 0);
  if (SlepcInitialize(&petsc_argc, &petsc_argv, NULL, NULL)) return 1;
  signal(SIGPIPE, SIG_IGN); /* who reads the progress may leave; the run goes on */
  if (SpanInitialize()) return 1;
  PetscErrorCode ierr = SpanOptionsFileRead();
  return Finish(ierr ? ierr : command->run(PETSC_COMM_WORLD, inputs, n_inputs));
}
