// Hands the XML header to libismrmrd's parser and keeps the few numbers that are needed.
#include <cstdio>
#include <exception>
#include <ismrmrd/xml.h>
#include <subspan/io/ismrmrd_header.h>

static int Limit(const ISMRMRD::Optional<ISMRMRD::Limit> &limit)
{
  return limit.is_present() ? limit.get().maximum + 1 : 1;
}

static int Centre(const ISMRMRD::Optional<ISMRMRD::Limit> &limit)
{
  return limit.is_present() ? limit.get().center : -1;
}

extern "C" int SpanIsmrmrdHeaderParse(const char *xml, SpanIsmrmrdHeader *out, char *reason, int reason_size)
{
  try {
    ISMRMRD::IsmrmrdHeader header;
    ISMRMRD::deserialize(xml, header);
    if (header.encoding.empty()) {
      std::snprintf(reason, reason_size, "it has no encoding");
      return 1;
    }
    const ISMRMRD::Encoding &e   = header.encoding[0];
    const ISMRMRD::MatrixSize &m = e.encodedSpace.matrixSize, &r = e.reconSpace.matrixSize;
    const ISMRMRD::FieldOfView_mm &f = e.encodedSpace.fieldOfView_mm, &g = e.reconSpace.fieldOfView_mm;
    *out = SpanIsmrmrdHeader{
        {m.x, m.y, m.z},
        {r.x, r.y, r.z},
        {f.x, f.y, f.z},
        {g.x, g.y, g.z},
        e.trajectory != ISMRMRD::TrajectoryType::CARTESIAN && e.trajectory != ISMRMRD::TrajectoryType::EPI,
        {Centre(e.encodingLimits.kspace_encoding_step_1), Centre(e.encodingLimits.kspace_encoding_step_2)},
        Limit(e.encodingLimits.slice),
        Limit(e.encodingLimits.contrast),
        Limit(e.encodingLimits.phase),
        Limit(e.encodingLimits.set)};
    return 0;
  } catch (const std::exception &error) {
    std::snprintf(reason, reason_size, "%s", error.what());
  } catch (...) {
    std::snprintf(reason, reason_size, "unknown error");
  }
  return 1;
}
