/* The XML header of an ISMRMRD or fastMRI file, through libismrmrd's own parser. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* What Subspan takes from the header's first encoding. */
typedef struct {
  int encoded_matrix[3], recon_matrix[3]; /* x, y, z */
  double encoded_fov[3], recon_fov[3];    /* mm */
  int noncartesian;
  int centre[2]; /* encoding limits' centre of kspace_encode_step_1 and _2; -1 if not given */
  int slices;    /* 1 + the maximum of the slice limit; 1 if not given */
  int contrasts, phases, sets;
} SpanIsmrmrdHeader;

/* 0, or non-zero with a reason in `reason`. No exception leaves it. */
int SpanIsmrmrdHeaderParse(const char *xml, SpanIsmrmrdHeader *header, char *reason, int reason_size);

#ifdef __cplusplus
}
#endif
