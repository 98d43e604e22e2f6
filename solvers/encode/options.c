/* The options of `subspan encode`, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/progress.h>
#include <subspan/solvers/encode/options.h>
#include <string.h>

static const char examples[] =
    "  mpirun -n 2 subspan encode graph.mtx --eigenpairs 32 -o encoding.h5\n"
    "      the 32 smallest eigenpairs of the symmetric normalised Laplacian\n"
    "  subspan encode edges.txt --laplacian combinatorial --eigenpairs 16 --unweighted -o encoding.h5\n"
    "  subspan encode citation.h5 --graph cora -o encoding.h5\n"
    "  mpirun -n 2 subspan encode graph.mtx --model spe.h5 -o encoding.h5\n"
    "      the encoding of a model that `subspan train encoding` made\n"
    "  subspan encode skull.off --eigenpairs 16 --vtkhdf -o skull.h5\n"
    "      of a mesh, for ParaView\n";

PetscErrorCode SpanEncodeOptionsRead(MPI_Comm comm, SpanEncodeOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the output: HDF5 with node_id, eigenvalues, eigenvectors"},
      {"eigenpairs", SPAN_OPTION_INT, &o->eigenpairs, 1, 4096, NULL, "how many, from the smallest, 0 included"},
      {"model", SPAN_OPTION_STRING, o->model, 0, 0, NULL,
       "a trained encoding (`train encoding`), which the output then holds too; it says how many eigenpairs"},
      {"columns", SPAN_OPTION_INT, &o->columns, 0, 1e9, NULL,
       "of a model: so many columns, drawn by the seed, stand for all; 0: all of them"},
      {"laplacian", SPAN_OPTION_CHOICE, o->laplacian, 0, 0, "combinatorial|symmetric|random_walk",
       "D - A, I - D^-1/2 A D^-1/2, I - D^-1 A"},
      {"tolerance", SPAN_OPTION_REAL, &o->tolerance, 1e-13, 0.1, NULL,
       "largest residual |L v - lambda v| of a pair, relative to lambda"},
      {"solver", SPAN_OPTION_CHOICE, o->solver, 0, 0, "auto|lapack|krylovschur|multigrid",
       "auto: by the size of the graph"},
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of starting vectors and signs"},
      {"format", SPAN_OPTION_CHOICE, o->format, 0, 0, "edges|matrix_market|metis|off",
       "of the input; without it, by its content"},
      {"graph", SPAN_OPTION_STRING, o->group, 0, 0, NULL, "which graph of an HDF5 file of several"},
      {"unweighted", SPAN_OPTION_BOOL, &o->unweighted, 0, 0, NULL, "take all weights of edges as 1"},
      {"vtkhdf", SPAN_OPTION_BOOL, &o->vtkhdf, 0, 0, NULL,
       "of a mesh: the output opens in ParaView, the eigenvectors and the encoding on the mesh"},
      {"checkpoint", SPAN_OPTION_STRING, o->checkpoint, 0, 0, NULL,
       "write the eigenvectors that multigrid has so far to this file"},
      {"checkpoint_every", SPAN_OPTION_REAL, &o->checkpoint_every, 0, 1e6, NULL, "minutes between checkpoints"},
      {"resume", SPAN_OPTION_BOOL, &o->resume, 0, 0, NULL, "go on from the checkpoint, if there is one"},
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the figures of the run to this file"},
      SPAN_MONITOR_OPTION,
      {"plan", SPAN_OPTION_BOOL, &o->plan, 0, 0, NULL, "say what the run needs, and stop"},
      {"threads", SPAN_OPTION_INT, &o->threads, 0, 1024, NULL,
       "threads a rank; 0: OMP_NUM_THREADS, or the node's cores over its ranks"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"encode",
                                "encode GRAPH -o OUT.h5 [--option value]...",
                                "Encodes the nodes of a graph by the smallest eigenpairs of its Laplacian. GRAPH is an "
                                "edge list, Matrix Market, METIS, a mesh (OFF) or an HDF5 set.",
                                examples,
                                table,
                                NULL};
  PetscFunctionBeginUser;
  *o = (SpanEncodeOptions){
      .eigenpairs = 32, .tolerance = 1e-6, .laplacian = "symmetric", .solver = "auto", .checkpoint_every = 10};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, o->output[0] || o->plan, "encode: no output; give one with -o FILE.h5");
  SpanCheckInput(comm, !o->resume || o->checkpoint[0], "--resume: from what? give --checkpoint FILE");
  while (strcmp(o->laplacian, span_laplacian_names[o->kind])) o->kind++;
  PetscFunctionReturn(0);
}
