/* The fast CRC-32 is zlib's, whatever the length, the alignment and the start. */
#include "test.h"
#include <subspan/io/crc32.h>
#include <zlib.h>

static void zlib_agrees(void **state)
{
  static unsigned char data[1 << 16];
  uint32_t crc = 1;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)((i * 2654435761u) >> 11);
  for (size_t n = 0; n < 400; n++)
    for (size_t at = 0; at < 20; at += 3) {
      assert_int_equal(SpanCrc32(0, data + at, n), crc32_z(0, data + at, n));
      assert_int_equal(SpanCrc32(crc, data + at, n), crc32_z(crc, data + at, n));
      crc = SpanCrc32(crc, data + at, n);
    }
  assert_int_equal(SpanCrc32(crc, data, sizeof data), crc32_z(crc, data, sizeof data));
  assert_int_equal(SpanCrc32(0, "123456789", 9), 0xCBF43926);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(zlib_agrees)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
