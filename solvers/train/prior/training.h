/* What the task of a prior holds, its validation and its pictures. */
#pragma once
#include <subspan/solvers/train/prior/prior.h>
#include <subspan/solvers/train/task.h>

enum { span_validation_columns = 4, span_noise_columns = 2, span_validation_levels = 5 };
/* The columns of the tables of a prior's history (validation, noise), and the noise levels of a validation. */
extern const char span_validation_names[], span_noise_names[];
extern const double span_levels[span_validation_levels];

typedef struct {
  MPI_Comm comm;
  int rank, size;
  const SpanPriorTrainOptions *options;
  SpanTape tape;
  SpanPrior prior;
  SpanImages images, validation_images; /* the latter NULL: none, or some of the former */
  PetscInt *numbers;                    /* with --hold_out: of the images, those that are trained on first */
  SpanTrainSource source, validation;   /* validation.n 0: none */
  SpanTrainBatch batch;
  double noise[span_validation_levels * span_noise_columns]; /* of SpanPriorNoise, once the model is written */
} SpanPriorTraining;

/* validate.c, collective; need validation images. The first adds a row a noise level. noise: (span_validation_levels,
   span_noise_columns), the PSNR of the validation patches before they are denoised. */
PetscErrorCode SpanPriorValidate(SpanPriorTraining *training, PetscInt step, SpanTable *validations);
PetscErrorCode SpanPriorNoise(SpanPriorTraining *training, double noise[]);

/* pictures.c, collective: STEM-denoised.png (with validation images), STEM-generated.png. */
PetscErrorCode SpanPriorPictures(SpanPriorTraining *training, const char stem[]);

struct cJSON;
/* Prints the rows of the last step of a validation table (rows, span_validation_columns), and adds them to `json` as
   the array `validation`. noise: what SpanPriorNoise gives, n_noise rows; a level that is not in it has no PSNR before.
   Not collective. */
void SpanPriorSayValidation(struct cJSON *json, PetscInt rows, const double validation[], PetscInt n_noise,
                            const double noise[]);
