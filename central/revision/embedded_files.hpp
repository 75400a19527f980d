// The revision files compiled into tapline-central (migrations/postgres).
#pragma once

#include "common/revision/embedded.hpp"

namespace tapline::revision {

[[nodiscard]] std::span<const EmbeddedFile> embedded_app();
[[nodiscard]] std::span<const EmbeddedFile> embedded_tapline();

}  // namespace tapline::revision
