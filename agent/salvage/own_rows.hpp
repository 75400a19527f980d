// Rows of tapline's own tables on a page, told by their shape.
#pragma once

#include "agent/salvage/found.hpp"

namespace tapline::salvage {

/// Adds what it finds to identity, hashes, boots, log and notes of `found`.
void read_own(Pages& pages, Bytes page, PageNumber number, Found& found);

}  // namespace tapline::salvage
