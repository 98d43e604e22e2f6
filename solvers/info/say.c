/* Lines of `subspan info`. */
#include <subspan/solvers/info/say.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void SpanSay(cJSON *json, const char key[], const char format[], ...)
{
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  printf("  %-14s %s\n", key, text);
  cJSON_AddStringToObject(json, key, text);
}

static herr_t SayAttribute(hid_t place, const char *name, const H5A_info_t *info, void *json)
{
  char text[4096] = "";
  hid_t attribute = H5Aopen(place, name, H5P_DEFAULT), type = H5Aget_type(attribute);
  if (H5Tget_class(type) == H5T_STRING && !H5Tis_variable_str(type) && H5Tget_size(type) < sizeof text &&
      H5Aread(attribute, type, text) >= 0)
    SpanSay(json, name, "%s", text);
  H5Tclose(type);
  H5Aclose(attribute);
  return 0;
}

void SpanSayAttributes(hid_t place, cJSON *json)
{
  H5Aiterate2(place, H5_INDEX_NAME, H5_ITER_INC, NULL, SayAttribute, json);
}

static herr_t SayArray(hid_t place, const char *name, const H5L_info_t *info, void *json)
{
  H5O_info_t object;
  if (H5Oget_info_by_name1(place, name, &object, H5P_DEFAULT) < 0 || object.type != H5O_TYPE_DATASET) return 0;
  hid_t dataset = H5Dopen2(place, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t dims[H5S_MAX_RANK];
  char text[256] = "";
  int n          = H5Sget_simple_extent_dims(space, dims, NULL);
  for (int i = 0; i < n && strlen(text) < 200; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu", i ? " x " : "", (unsigned long long)dims[i]);
  SpanSay(json, name, "%s", text);
  H5Sclose(space);
  H5Dclose(dataset);
  return 0;
}

void SpanSayArrays(hid_t file, cJSON *json)
{
  printf("arrays:\n");
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, SayArray, cJSON_AddObjectToObject(json, "arrays"));
}

void SpanSayProvenance(hid_t file, cJSON *json)
{
  if (H5Lexists(file, "provenance", H5P_DEFAULT) <= 0) return;
  hid_t group = H5Gopen2(file, "provenance", H5P_DEFAULT);
  if (group < 0) return;
  printf("provenance:\n");
  SpanSayAttributes(group, cJSON_AddObjectToObject(json, "provenance"));
  H5Gclose(group);
}
