// What every kind of role is asked before rights are given. Private to central/access.
#pragma once

#include <string>
#include <string_view>

#include "central/pg/session.hpp"

namespace tapline::access {

inline constexpr std::string_view app_kind = "app";
inline constexpr std::string_view gateway_kind = "gateway";

struct Names {
    std::string role;      ///< quoted for SQL
    std::string database;  ///< the same
    bool creates_roles = false;
};

/// Throws what grants.hpp lists. kind: app_kind or gateway_kind.
[[nodiscard]] Names check_role(
    pg::Session& session, const std::string& role, std::string_view kind
);

}  // namespace tapline::access
