/* The CRC-32 of zlib, PNG and Ethernet, at the speed of memory. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, 0 at the start; zlib's crc32_z to the bit. */
uint32_t SpanCrc32(uint32_t crc, const void *data, size_t bytes);
