// Privileges as GRANT and REVOKE. Pure.
#pragma once

#include <string>
#include <vector>

namespace tapline::draft {

struct Grants {
    std::vector<std::string> give;  ///< GRANT …;
    std::vector<std::string> back;  ///< the REVOKE of each
    /// What the owner or a role loses, or who owns gets: for the author to decide.
    std::vector<std::string> proposed;
};

/// From one privileges text (central/catalog/privileges.hpp) to another; empty: the kind's default.
/// kind: of the object word; "column" grants on `part` of the table. target: "TABLE public.pours".
[[nodiscard]] Grants grants_between(
    const std::string& kind,
    const std::string& target,
    const std::string& part,
    const std::string& before,
    const std::string& after
);

}  // namespace tapline::draft
