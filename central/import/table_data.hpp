// What stands in the tables of two databases that should be alike, as counts and sums of hashes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::alembic {

struct TableData {
    std::string rows;    ///< count(*)
    std::string steady;  ///< over whole rows without the columns below, whatever their order
    /// Of a moment or a random id, by column: filled while a step runs, they differ each time.
    std::map<std::string, std::string> fleeting;
    bool operator==(const TableData&) const = default;
};

struct DatabaseData {
    std::map<std::string, TableData> tables;       ///< by quoted name with its schema
    std::map<std::string, std::string> sequences;  ///< last value; empty: not used yet
};

/// Everything outside PostgreSQL's own schemas and ours, but for the version table. Throws as
/// pg::Session.
[[nodiscard]] DatabaseData read_data(pg::Session& session);

struct DataDifferences {
    std::vector<std::string> found;  ///< "table x: 3 rows with Alembic, 2 with tapline"
    std::vector<std::string> notes;  ///< columns of moments and random ids that differ
};

/// Of objects that both have: what only one has is the catalog's to tell. Pure.
[[nodiscard]] DataDifferences compare_data(const DatabaseData& alembic, const DatabaseData& ours);

}  // namespace tapline::alembic
