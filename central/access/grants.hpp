// Takes from the application's role what a revision alone may do (CREATE), and leaves it the rows.
//
// An ORM's create_all at the application's start makes tables that no revision made; what keeps it
// from that is the missing privilege, and nothing else does. Kinds of role are rows of a table in
// the .cpp, so that another kind is one more of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::access {

struct GrantPlan {
    std::string role;
    std::string_view kind;  ///< as tapline.granted_role keeps it
    /// SQL in order, each a statement without a semicolon. Running them twice changes nothing.
    std::vector<std::string> statements;
};

/// Reads only. revoke: takes away what the plan without it gives, and nothing else.
/// Throws Error{usage, "no_role"}; Error{refused, …}:
///   "superuser"      it may do anything, whatever is revoked
///   "owner"          it owns the database, a schema or tables, itself or as a member of the owner
///   "is_maintainer"  it may stamp, which the application mustn't
///   "no_list"        t0002 isn't applied, so that `check` couldn't know these rights
/// The hint holds the SQL that gets out of it.
[[nodiscard]] GrantPlan plan_app_grants(
    pg::Session& session, const std::string& role, bool revoke = false
);

/// The same for the role that `serve` logs in with: what it has beyond the list in
/// gateway_grants.cpp is taken, what is on it is given, column by column. Throws the same, and
/// Error{refused, "is_app_role"} for a role that `--app-role` was given for.
[[nodiscard]] GrantPlan plan_gateway_grants(
    pg::Session& session, const std::string& role, bool revoke = false
);

/// In one transaction, with a row in tapline.granted_role. Throws Error{refused, "still_creates"}
/// and changes nothing when the role could still create tables, by membership in another one.
void run_grants(pg::Session& session, const GrantPlan& plan, bool revoke = false);

/// Whether this session's role could change the schema: a superuser, or an owner.
[[nodiscard]] bool may_change_schema(pg::Session& session);

}  // namespace tapline::access
