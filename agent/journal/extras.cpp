#include "agent/journal/extras.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "agent/journal/compiles.hpp"
#include "agent/journal/difference.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_extras =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema "
    "WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name NOT LIKE 'tapline~_%' ESCAPE '~' AND sql "
    "IS NOT NULL "
    "AND NOT (type = 'table' AND name = 'pours' COLLATE NOCASE) "
    "AND NOT (?1 AND type = 'table' AND name = 'events' COLLATE NOCASE) ORDER BY rowid";

bool is_pours(std::string_view table) {
    return normal_name(table) == "pours";
}

bool moves(const Extra& extra) {
    return extra.type == "view" || extra.type == "trigger" ||
           (extra.type == "index" && is_pours(extra.table));
}

std::optional<std::string> error_of(Database& database, const Extra& extra) {
    if (extra.type == "view") {
        return view_error(database, extra.name);
    }
    return extra.type == "trigger" ? trigger_error(database, extra.table) : std::nullopt;
}

std::vector<const Extra*> in_order(const std::vector<Extra>& extras) {
    std::vector<const Extra*> order;
    for (const auto* type : {"index", "view", "trigger"}) {
        for (const auto& extra : extras) {
            if (extra.type == type && moves(extra)) {
                order.push_back(&extra);
            }
        }
    }
    return order;
}

std::string describe(const Extra& extra) {
    return extra.type == "trigger" ? fmt::format("trigger {} on {}", extra.name, extra.table)
                                   : fmt::format("{} {}", extra.type, extra.name);
}

}  // namespace

std::string normal_name(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

std::vector<Extra> read_extras(Database& database, std::string_view found) {
    std::vector<Extra> extras;
    auto row = database.prepare(sql_extras);
    row.bind(1, static_cast<std::int64_t>(found.starts_with("gen2") ? 1 : 0));
    while (row.step()) {
        extras.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
    }
    row.reset();
    for (auto& extra : extras) {
        extra.works = !error_of(database, extra);
    }
    return extras;
}

void set_aside(Database& database, const std::vector<Extra>& extras) {
    auto order = in_order(extras);
    std::reverse(order.begin(), order.end());
    for (const auto* extra : order) {
        database.exec(fmt::format("DROP {} IF EXISTS {}", extra->type, quote_name(extra->name)));
    }
}

void put_back(Database& database, const std::vector<Extra>& extras) {
    std::vector<Difference> lost;
    const auto order = in_order(extras);
    for (const auto* extra : order) {
        try {
            database.exec(extra->sql);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::storage_busy) {
                throw;
            }
            lost.push_back({describe(*extra), "changed", extra->sql, error.what()});
        }
    }
    for (const auto* extra : order) {
        const auto error = extra->works ? error_of(database, *extra) : std::nullopt;
        if (error && lost.empty()) {
            lost.push_back({describe(*extra), "changed", extra->sql, *error});
        }
    }
    if (!lost.empty()) {
        throw FileError(
            "unknown_shape",
            fmt::format(
                "{}: {} doesn't work on the new table",
                database.file().string(),
                lost.front().object
            ),
            "Somebody added it by hand. Drop it, or rewrite it without the columns that go away, "
            "and run this again.",
            std::move(lost)
        );
    }
}

}  // namespace tapline::journal
