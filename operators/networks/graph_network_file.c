/* Graph networks in model files: configuration, weights, running moments. */
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <subspan/base/error.h>
#include <subspan/operators/networks/graph_network.h>

const char *const span_encoding_uses[] = {"add", "concatenate", NULL};
const char *const span_poolings[]      = {"mean", "sum", "none", NULL};
const char *const span_psis[]          = {"mlp", "deepsets", NULL};
const char *const span_phis[]          = {"columns", "diagonal", NULL};

/* A whole number of the configuration, or one of `names`. */
typedef struct {
  const char *name;
  size_t at, size; /* in SpanGraphNetworkConfig */
  PetscInt least, most;
  const char *const *names;
} Field;

#define NUMBER(name, field, least, most)                                                                               \
  {                                                                                                                    \
    name, offsetof(SpanGraphNetworkConfig, field), sizeof((SpanGraphNetworkConfig *)0)->field, least, most, NULL       \
  }
#define CHOICE(name, field, names)                                                                                     \
  {                                                                                                                    \
    name, offsetof(SpanGraphNetworkConfig, field), sizeof((SpanGraphNetworkConfig *)0)->field, 0, 0, names             \
  }

static const Field fields[] = {
    NUMBER("features", features, 1, 1 << 24),
    NUMBER("edge_types", edge_types, 0, 1 << 16),
    CHOICE("encoding", encoding.kind, span_encoding_names),
    NUMBER("eigenpairs", encoding.d, 0, 1 << 16),
    NUMBER("psis", encoding.spe.psis, 1, 4096),
    CHOICE("psi", encoding.spe.psi, span_psis),
    NUMBER("psi_layers", encoding.spe.psi_layers, 1, span_mlp_max_layers),
    NUMBER("psi_hidden", encoding.spe.psi_hidden, 1, 4096),
    NUMBER("psi_batch_norm", encoding.spe.psi_batch_norm, 0, 1),
    CHOICE("phi", encoding.spe.phi, span_phis),
    NUMBER("phi_layers", encoding.spe.phi_layers, 1, 256),
    NUMBER("phi_hidden", encoding.spe.phi_hidden, 1, 4096),
    NUMBER("phi_mlp_layers", encoding.spe.mlp_layers, 2, span_mlp_max_layers),
    NUMBER("encoding_width", encoding.spe.width, 1, 4096),
    CHOICE("use", use, span_encoding_uses),
    NUMBER("layers", layers, 1, 256),
    NUMBER("hidden", hidden, 1, 4096),
    NUMBER("mlp_layers", mlp_layers, 1, span_mlp_max_layers),
    NUMBER("batch_norm", batch_norm, 0, 1),
    NUMBER("residual", residual, 0, 1),
    CHOICE("pooling", pooling, span_poolings),
    NUMBER("targets", targets, 1, 1 << 20),
};
enum { n_fields = sizeof fields / sizeof fields[0] };

/* Fields are PetscInt, or enumerations of the size of an int. */
static PetscInt Get(const SpanGraphNetworkConfig *config, const Field *field)
{
  const char *at = (const char *)config + field->at;
  return field->size == sizeof(PetscInt) ? *(const PetscInt *)(const void *)at : *(const int *)(const void *)at;
}

static void Set(SpanGraphNetworkConfig *config, const Field *field, PetscInt value)
{
  char *at = (char *)config + field->at;
  if (field->size == sizeof(PetscInt))
    *(PetscInt *)(void *)at = value;
  else
    *(int *)(void *)at = (int)value;
}

static PetscErrorCode LoadField(SpanModel model, const Field *field, SpanGraphNetworkConfig *config)
{
  char text[64];
  double number;
  PetscInt choice = 0;
  PetscFunctionBeginUser;
  if (!field->names) {
    PetscCall(SpanModelReadNumbers(model, field->name, 1, &number, NULL));
    SpanCheckInput(
        PETSC_COMM_SELF, number >= (double)field->least && number <= (double)field->most && number == floor(number),
        "%s: `%s` of the configuration is %g, must be a whole number from %" PetscInt_FMT " to %" PetscInt_FMT,
        SpanModelPath(model), field->name, number, field->least, field->most);
    Set(config, field, (PetscInt)number);
    PetscFunctionReturn(0);
  }
  PetscCall(SpanModelReadText(model, field->name, text, sizeof text));
  while (field->names[choice] && strcmp(field->names[choice], text)) choice++;
  SpanCheckInput(PETSC_COMM_SELF, field->names[choice],
                 "%s: `%s` of the configuration is `%s`, which is none of its values", SpanModelPath(model),
                 field->name, text);
  Set(config, field, choice);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkSave(SpanGraphNetwork network, const float values[], SpanModelStorage storage,
                                    SpanModel model)
{
  const SpanGraphNetworkConfig *config = SpanGraphNetworkGetConfig(network);
  SpanParameters weights = SpanGraphNetworkParameters(network), moments = SpanGraphNetworkStatistics(network);
  PetscFunctionBeginUser;
  PetscCall(SpanModelWriteText(model, "network", "graph"));
  for (int f = 0; f < n_fields; f++) {
    const PetscInt value = Get(config, &fields[f]);
    const double number  = (double)value;
    if (fields[f].names)
      PetscCall(SpanModelWriteText(model, fields[f].name, fields[f].names[value]));
    else
      PetscCall(SpanModelWriteNumbers(model, fields[f].name, 1, &number));
  }
  PetscCall(SpanParametersWrite(weights, values, storage, model));
  PetscCall(SpanParametersWrite(moments, NULL, SPAN_MODEL_FLOAT32, model));
  PetscFunctionReturn(0);
}

/* Before memory is taken for what a damaged configuration says. */
static PetscErrorCode CheckWeights(SpanGraphNetwork network, SpanModel model)
{
  SpanParameters weights = SpanGraphNetworkParameters(network), moments = SpanGraphNetworkStatistics(network);
  PetscFunctionBeginUser;
  PetscCall(SpanParametersCheck(weights, model));
  PetscCall(SpanParametersCheck(moments, model));
  PetscCall(SpanModelCheckCount(model, SpanParametersCount(weights) + SpanParametersCount(moments)));
  PetscCall(SpanModelCheckSize(model, SpanParametersWeights(weights) + SpanParametersWeights(moments)));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkReadWeights(SpanGraphNetwork network, SpanModel model)
{
  PetscFunctionBeginUser;
  PetscCall(CheckWeights(network, model));
  PetscCall(SpanParametersRead(SpanGraphNetworkParameters(network), model));
  PetscCall(SpanParametersRead(SpanGraphNetworkStatistics(network), model));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadLocal(SpanModel model, SpanTape tape, SpanGraphNetwork *network)
{
  SpanGraphNetworkConfig config = {0};
  char text[64];
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadText(model, "network", text, sizeof text));
  SpanCheckInput(PETSC_COMM_SELF, !strcmp(text, "graph"), "%s: `network` of the configuration is `%s`, not graph",
                 SpanModelPath(model), text);
  for (int f = 0; f < n_fields; f++) PetscCall(LoadField(model, &fields[f], &config));
  ierr = SpanGraphNetworkRegister(tape, &config, network);
  SpanCheckInput(PETSC_COMM_SELF, ierr != PETSC_ERR_USER_INPUT, "%s: its configuration makes no network: %s",
                 SpanModelPath(model), SpanErrorMessage());
  PetscCall(ierr);
  PetscCall(CheckWeights(*network, model));
  PetscCall(SpanGraphNetworkAllocate(*network, 0));
  PetscCall(SpanGraphNetworkReadWeights(*network, model));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkLoad(MPI_Comm comm, const char path[], SpanTape tape, SpanGraphNetwork *network)
{
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelOpen(comm, path, "encoding", &model));
  PetscCall(SpanErrorAgree(comm, LoadLocal(model, tape, network)));
  PetscCall(SpanModelClose(&model));
  PetscFunctionReturn(0);
}
