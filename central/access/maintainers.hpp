// Who may say what the schema is: the login roles listed in tapline.maintainer (t0002).
//
// The person is session_user, never current_user: SET ROLE makes nobody a maintainer. Membership in
// a listed role doesn't count either: a superuser is a member of every role, and a GRANT made for
// another purpose must not make maintainers. While nobody on the list can log in (or there is
// none), the owners of the database and of schema tapline and superusers may: they could write the
// tables by hand anyway.
//
// What the database enforces itself: only listed roles are given rights on the version tables and
// the log, and triggers guard the list. What it can't: a superuser and the tables' owner can undo
// all of that; `check` reports a trigger that is off.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::access {

struct Maintainer {
    std::string role;
    std::string added_by;      ///< session_user then
    std::string added_person;  ///< who() of the program then
    std::string added_at;      ///< ISO 8601, UTC
    bool can_log_in = false;   ///< false: the role is gone, or isn't a login
};

struct MaintainerList {
    bool kept = false;      ///< false: t0002 isn't applied, so there is no list
    bool readable = false;  ///< false: kept, and this role may not read it
    std::vector<Maintainer> listed;
    std::string person;         ///< session_user
    bool may_maintain = false;  ///< that person, now
    std::string owner;          ///< of the database
};

/// Throws as pg::Session.
[[nodiscard]] MaintainerList read_maintainers(pg::Session& session);

/// Throws Error{refused, "not_a_maintainer"}, which names who is and the command that adds.
/// doing: "stamp", for the message.
void require_maintainer(pg::Session& session, std::string_view doing);

/// Inside the stamp's transaction: who stamps while the list is empty begins it. Returns whether
/// that happened. who: the person, for the record.
bool list_first_maintainer(pg::Session& session, const std::string& who);

struct Added {
    /// Statements that the owner of public.alembic_version still has to run; empty as a rule.
    std::vector<std::string> left_to_do;
    bool caller_too = false;  ///< the list was empty, so who added is listed with it
};

/// Lists the role and gives it what a stamp needs. Who begins the list is listed too, or it would
/// have locked itself out. Adding twice gives the rights anew.
/// Throws Error{refused, "no_list"} before t0002, Error{usage, "no_role"} for a role that can't log
/// in, and as require_maintainer.
Added add_maintainer(pg::Session& session, const std::string& role, const std::string& who);

/// Throws Error{refused, "last_maintainer"}; Error{usage, "not_listed"}; as require_maintainer.
void remove_maintainer(
    pg::Session& session, const std::string& role, const std::string& who, const std::string& reason
);

}  // namespace tapline::access
