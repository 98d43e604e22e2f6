/* Metrics as JSON. */
#include <subspan/solvers/compare/compare_json.h>
#include <math.h>

static void Add(cJSON *object, const char name[], double value)
{
  if (isfinite(value))
    cJSON_AddNumberToObject(object, name, value);
  else
    cJSON_AddNullToObject(object, name);
}

void SpanMetricsAddJSON(cJSON *object, SpanMetrics metrics)
{
  Add(object, "psnr", metrics.psnr);
  Add(object, "ssim", metrics.ssim);
  Add(object, "nrmse", metrics.nrmse);
}
