// Findings as what a person or a program reads.
#pragma once

#include <string>
#include <vector>

#include "central/catalog/compare.hpp"

namespace tapline::catalog {

/// {"findings":[{"object":…,"kind":"added"|"removed"|"changed","expected":…,"found":…}]}, one line.
/// expected and found are objects of attributes, null where the object isn't there; an attribute
/// that is null is at its default on that side.
[[nodiscard]] std::string findings_json(const std::vector<Finding>& findings);

/// A line per object, indented lines per attribute that differs.
[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings);

}  // namespace tapline::catalog
