// How the doctor's checks print, whoever made them.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/doctor/check.hpp"

namespace tapline::cli {

/// `subject`: of the check before; a new one gets a line of its own.
void print_check(const doctor::Check& check, std::string& subject);
[[nodiscard]] nlohmann::json to_json(const doctor::Report& report);

}  // namespace tapline::cli
