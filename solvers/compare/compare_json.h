/* Metrics as JSON, the same for `compare` and `recon`. */
#pragma once
#include <cjson/cJSON.h>
#include <subspan/operators/imaging/metrics.h>

/* Adds `psnr`, `ssim`, `nrmse`, `data_range` to an object. Infinite figures become null. */
void SpanMetricsAddJSON(cJSON *object, SpanMetrics metrics);
