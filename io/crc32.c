/* CRC-32 by carry-less products (Gopal et al. 2009, Intel 323102), zlib's where the processor has none: 128 bits are
   folded onto the next ones by x^k mod P, and what is left of a multiple of 16 bytes is 16 bytes of the same remainder.
 */
#include <subspan/io/crc32.h>
#include <zlib.h>

#ifdef __x86_64__
#include <immintrin.h>

/* Onto what lies `by` bits further on: the halves times x^(by + 64) and x^by, reflected. */
__attribute__((target("pclmul"))) static inline __m128i Fold(__m128i x, __m128i by, __m128i onto)
{
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, by, 0x00), _mm_clmulepi64_si128(x, by, 0x11)), onto);
}

/* bytes: a multiple of 16, at least 64. */
__attribute__((target("pclmul"))) static uint32_t Folded(uint32_t crc, const unsigned char *p, size_t bytes)
{
  const __m128i by_512 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by_128 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  const unsigned char *const end = p + bytes;
  __m128i x[4];
  unsigned char rest[16];
  for (int i = 0; i < 4; i++) x[i] = _mm_loadu_si128((const __m128i *)p + i);
  x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)~crc));
  for (p += 64; end - p >= 64; p += 64)
    for (int i = 0; i < 4; i++) x[i] = Fold(x[i], by_512, _mm_loadu_si128((const __m128i *)p + i));
  for (int i = 1; i < 4; i++) x[0] = Fold(x[0], by_128, x[i]);
  for (; p < end; p += 16) x[0] = Fold(x[0], by_128, _mm_loadu_si128((const __m128i *)p));
  _mm_storeu_si128((__m128i *)rest, x[0]);
  return (uint32_t)crc32(0xFFFFFFFF, rest, sizeof rest); /* a register of zeros */
}
#endif

uint32_t SpanCrc32(uint32_t crc, const void *data, size_t bytes)
{
  const unsigned char *p = data;
#ifdef __x86_64__
  if (bytes >= 64 && __builtin_cpu_supports("pclmul")) {
    const size_t whole = bytes & ~(size_t)15;
    crc                = Folded(crc, p, whole);
    p += whole;
    bytes -= whole;
  }
#endif
  return bytes ? (uint32_t)crc32_z(crc, p, bytes) : crc;
}
