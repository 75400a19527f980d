// One finding of the doctor.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tapline::doctor {

enum class Verdict { ok, skip, unknown, warn, fail };

[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

struct Check {
    std::string id;  ///< stable, snake_case; docs/doctor.md lists them
    Verdict verdict = Verdict::ok;
    std::string measured;    ///< text with its unit
    std::string what_to_do;  ///< empty when ok or skip
    std::string subject;     ///< the journal it is about; empty: the machine
};

using Report = std::vector<Check>;

/// How a check says what it found. The subject is filled in by the group.
using Tell = std::function<void(Check)>;

}  // namespace tapline::doctor
