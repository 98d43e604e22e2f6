/* The own options of `subspan train encoding`, their defaults, ranges and help. The network's defaults are those of the
   published ZINC runs (SPE, appendix). */
#include <subspan/base/error.h>
#include <subspan/solvers/train/encoding/encoding.h>
#include <string.h>

static const char examples[] =
    "  mpirun -n 2 subspan train encoding zinc.h5 --options_file config/spe-zinc.yaml --epochs 50 -o spe.h5\n"
    "      SPE and its graph network on molecules, with the published settings\n"
    "  subspan train encoding zinc.h5 --options_file config/spe-zinc.yaml --epochs 50 --encoding signnet -o "
    "signnet.h5\n"
    "      the same with another encoding\n"
    "  subspan train encoding counting.h5 --options_file config/spe-counting.yaml --epochs 100 -o counting.h5\n"
    "      counts cycles\n"
    "  subspan train encoding citation.h5 --group cora --loss cross_entropy --columns 64 --epochs 200 -o cora.h5\n"
    "      classifies the nodes of one graph, with 64 of its columns drawn anew each step\n";

static const SpanEncodingTrainOptions defaults = {.loss     = "l1",
                                                  .encoding = "spe",
                                                  .psi      = "mlp",
                                                  .phi      = "columns",
                                                  .use      = "add",
                                                  .pooling  = "mean",
                                                  .network  = {.encoding   = {.d   = 37,
                                                                              .spe = {.psis           = 16,
                                                                                      .psi_layers     = 3,
                                                                                      .psi_hidden     = 16,
                                                                                      .psi_batch_norm = PETSC_TRUE,
                                                                                      .phi_layers     = 8,
                                                                                      .phi_hidden     = 128,
                                                                                      .mlp_layers     = 3,
                                                                                      .width          = 37}},
                                                               .layers     = 4,
                                                               .hidden     = 128,
                                                               .mlp_layers = 3,
                                                               .batch_norm = PETSC_TRUE,
                                                               .residual   = PETSC_TRUE}};

static int Choice(const char *const names[], const char name[])
{
  int i = 0;
  while (strcmp(names[i], name)) i++;
  return i;
}

static PetscErrorCode Derive(MPI_Comm comm, SpanEncodingTrainOptions *o)
{
  SpanGraphNetworkConfig *c = &o->network;
  PetscFunctionBeginUser;
  c->encoding.kind    = (SpanEncodingKind)Choice(span_encoding_names, o->encoding);
  c->encoding.spe.psi = (SpanPsi)Choice(span_psis, o->psi);
  c->encoding.spe.phi = (SpanPhiKind)Choice(span_phis, o->phi);
  c->use              = (SpanEncodingUse)Choice(span_encoding_uses, o->use);
  c->pooling          = (SpanPooling)Choice(span_poolings, o->pooling);
  if (o->group[0]) c->pooling = SPAN_POOL_NONE;
  SpanCheckInput(comm, o->train.micro_batch == 0,
                 "--micro_batch %" PetscInt_FMT ": the moments of batch norm need a step's graphs at once; must be 0",
                 o->train.micro_batch);
  SpanCheckInput(comm, !strcmp(o->train.type, "float32"), "--type %s: an encoding is trained in float32",
                 o->train.type);
  SpanCheckInput(comm, strcmp(o->loss, "cross_entropy") || o->group[0],
                 "--loss cross_entropy: needs labelled nodes, a graph of a set by --group");
  SpanCheckInput(comm, !strcmp(o->loss, "cross_entropy") || !o->group[0],
                 "--loss %s: the labels of nodes (--group %s) are learned with cross_entropy", o->loss, o->group);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodingTrainOptionsRead(MPI_Comm comm, SpanEncodingTrainOptions *o, PetscBool *stop)
{
  SpanGraphNetworkConfig *c = &o->network;
  SpanSPEConfig *spe        = &c->encoding.spe;
  const SpanOption table[]  = {
       {"group", SPAN_OPTION_STRING, o->group, 0, 0, NULL, "the graph with labelled nodes, of a set of such graphs"},
       {"loss", SPAN_OPTION_CHOICE, o->loss, 0, 0, "l1|cross_entropy", "of the targets of graphs, of labels of nodes"},
       {"standardise", SPAN_OPTION_BOOL, &o->standardise, 0, 0, NULL,
        "targets to mean 0 and deviation 1 of the training set; errors are reported in those units"},
       {"columns", SPAN_OPTION_INT, &o->columns, 0, 1e6, NULL,
        "spe: at most so many columns of a graph in a step, drawn anew; 0: all"},
       {"encoding", SPAN_OPTION_CHOICE, o->encoding, 0, 0, "none|spe|signnet|eigenvectors|random_walk|heat|pearl",
        "positional encoding"},
       {"eigenpairs", SPAN_OPTION_INT, &c->encoding.d, 1, 4096, NULL,
        "of a graph; steps of a random walk, times of heat, random features of pearl"},
       {"encoding_width", SPAN_OPTION_INT, &spe->width, 1, 4096, NULL, "numbers a node of spe, signnet, pearl"},
       {"psis", SPAN_OPTION_INT, &spe->psis, 1, 4096, NULL, "soft partitions of the eigenvalues"},
       {"psi", SPAN_OPTION_CHOICE, o->psi, 0, 0, "mlp|deepsets", "of each eigenvalue, or of all together"},
       {"psi_layers", SPAN_OPTION_INT, &spe->psi_layers, 1, span_mlp_max_layers, NULL, "its layers"},
       {"psi_hidden", SPAN_OPTION_INT, &spe->psi_hidden, 1, 4096, NULL, "their width"},
       {"psi_batch_norm", SPAN_OPTION_BOOL, &spe->psi_batch_norm, 0, 0, NULL, "mlp: batch norm between them"},
       {"phi", SPAN_OPTION_CHOICE, o->phi, 0, 0, "columns|diagonal",
        "a GIN over all columns, or on the nodes with diagonals alone, for large graphs"},
       {"phi_layers", SPAN_OPTION_INT, &spe->phi_layers, 1, 256, NULL, "GIN layers of phi"},
       {"phi_hidden", SPAN_OPTION_INT, &spe->phi_hidden, 1, 4096, NULL, "their width"},
       {"phi_mlp_layers", SPAN_OPTION_INT, &spe->mlp_layers, 2, span_mlp_max_layers, NULL, "linear maps in each"},
       {"use", SPAN_OPTION_CHOICE, o->use, 0, 0, "add|concatenate", "how the encoding joins the node embedding"},
       {"layers", SPAN_OPTION_INT, &c->layers, 1, 256, NULL, "of the graph network: GIN, with edge types GINE"},
       {"hidden", SPAN_OPTION_INT, &c->hidden, 1, 4096, NULL, "its width"},
       {"mlp_layers", SPAN_OPTION_INT, &c->mlp_layers, 1, span_mlp_max_layers, NULL, "linear maps in each MLP"},
       {"batch_norm", SPAN_OPTION_BOOL, &c->batch_norm, 0, 0, NULL, "in its MLPs"},
       {"residual", SPAN_OPTION_BOOL, &c->residual, 0, 0, NULL, "a layer adds to its input"},
       {"pooling", SPAN_OPTION_CHOICE, o->pooling, 0, 0, "mean|sum", "of a graph's nodes"},
       {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "train encoding",
      "train encoding GRAPHS.h5 -o MODEL.h5 [--option value]...",
      "Trains a positional encoding and its graph network on sets of graphs (train, val, test), for `encode --model`.",
      examples,
      table,
      NULL};
  PetscFunctionBeginUser;
  *o                     = defaults;
  o->train               = span_train_defaults;
  o->train.batch         = 128;
  o->train.learning_rate = 1e-3;
  o->train.weight_decay  = 3e-6;
  o->train.clip          = 0;
  o->train.ema           = 0;
  PetscCall(PetscStrcpy(o->train.decay, "linear"));
  o->train.decay_share = 1;
  o->train.last_rate   = 0;
  PetscCall(SpanTrainOptionsRead(comm, &help, &o->train, stop));
  if (!*stop) PetscCall(Derive(comm, o));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodingTrainOptionsDescribe(const SpanEncodingTrainOptions *o, char text[], size_t size)
{
  const SpanGraphNetworkConfig *c = &o->network;
  const SpanSPEConfig *spe        = &c->encoding.spe;
  char common[1024];
  PetscFunctionBeginUser;
  PetscCall(SpanTrainOptionsDescribe(&o->train, common, sizeof common));
  PetscCall(PetscSNPrintf(text, size,
                          "%s, group %s, loss %s, standardise %d, columns %" PetscInt_FMT
                          ", encoding %s, eigenpairs %" PetscInt_FMT ", encoding_width %" PetscInt_FMT
                          ", psis %" PetscInt_FMT ", psi %s, psi_layers %" PetscInt_FMT ", psi_hidden %" PetscInt_FMT
                          ", psi_batch_norm %d, phi %s, phi_layers %" PetscInt_FMT ", phi_hidden %" PetscInt_FMT
                          ", phi_mlp_layers %" PetscInt_FMT ", use %s, layers %" PetscInt_FMT ", hidden %" PetscInt_FMT
                          ", mlp_layers %" PetscInt_FMT ", batch_norm %d, residual %d, pooling %s",
                          common, o->group[0] ? o->group : "none", o->loss, (int)o->standardise, o->columns,
                          o->encoding, c->encoding.d, spe->width, spe->psis, o->psi, spe->psi_layers, spe->psi_hidden,
                          (int)spe->psi_batch_norm, o->phi, spe->phi_layers, spe->phi_hidden, spe->mlp_layers, o->use,
                          c->layers, c->hidden, c->mlp_layers, (int)c->batch_norm, (int)c->residual, o->pooling));
  PetscFunctionReturn(0);
}
