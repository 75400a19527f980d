#include "agent/journal/fence.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/extras.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_pages = "PRAGMA page_count";
/// SQLite's own default.
constexpr std::string_view sql_any_pages = "PRAGMA max_page_count=1073741823";

constexpr std::array<std::pair<int, std::string_view>, 9> action_names{{
    {SQLITE_INSERT, "INSERT into"},
    {SQLITE_UPDATE, "UPDATE of"},
    {SQLITE_DELETE, "DELETE from"},
    {SQLITE_ATTACH, "ATTACH"},
    {SQLITE_DETACH, "DETACH"},
    {SQLITE_PRAGMA, "PRAGMA"},
    {SQLITE_FUNCTION, "function"},
    {SQLITE_TRANSACTION, "transaction"},
    {SQLITE_SAVEPOINT, "savepoint"},
}};

std::string describe(int action, const std::string& first, const std::string& second) {
    for (const auto& [code, name] : action_names) {
        if (code == action) {
            return fmt::format("{} {}", name, action == SQLITE_FUNCTION ? second : first);
        }
    }
    return fmt::format("change of the schema ({})", first);
}

std::string text_of(const char* text) {
    return text == nullptr ? std::string{} : std::string(text);
}

}  // namespace

Fence::Fence(Database& database, std::chrono::milliseconds time) : database_(database) {
    auto* const handle = database.handle();
    database.exec(
        fmt::format("PRAGMA max_page_count={}", database.integer(sql_pages) + fenced_pages)
    );
    value_bytes_before_ = sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, fenced_value_bytes);
    database.set_deadline(std::chrono::steady_clock::now() + time);
    sqlite3_set_authorizer(handle, &Fence::ask, this);
}

Fence::~Fence() {
    auto* const handle = database_.handle();
    sqlite3_set_authorizer(handle, nullptr, nullptr);
    database_.set_deadline(std::nullopt);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, value_bytes_before_);
    try {
        database_.exec(sql_any_pages);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the copy stays small
    }
}

bool Fence::allows(int action, const std::string& first, const std::string& second, bool by_trigger)
    const {
    switch (action) {
        case SQLITE_SELECT:
        case SQLITE_READ:
        case SQLITE_RECURSIVE:
            return true;
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
            return by_trigger || normal_name(first) == "pours";
        case SQLITE_DELETE:
            return by_trigger;
        case SQLITE_FUNCTION:
            return normal_name(second) != "load_extension";
        default:
            return false;
    }
}

int Fence::ask(
    void* fence,
    int action,
    const char* first,
    const char* second,
    const char* /*schema*/,
    const char* trigger
) {
    auto& self = *static_cast<Fence*>(fence);
    const auto name = text_of(first);
    const auto other = text_of(second);
    if (self.allows(action, name, other, trigger != nullptr)) {
        return SQLITE_OK;
    }
    if (self.refused_.empty()) {
        self.refused_ = describe(action, name, other);
    }
    return SQLITE_DENY;
}

}  // namespace tapline::journal
