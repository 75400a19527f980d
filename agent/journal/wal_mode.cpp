#include "agent/journal/wal_mode.hpp"

#include <chrono>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_journal_mode = "PRAGMA journal_mode";
constexpr std::string_view sql_wal_mode = "PRAGMA journal_mode=WAL";

constexpr int attempts = 20;
constexpr std::chrono::milliseconds pause_between_attempts{100};

}  // namespace

void switch_to_wal(Database& database) {
    for (int attempt = 1; database.text(sql_journal_mode) != "wal"; ++attempt) {
        std::string why = "another journal mode stayed";
        try {
            if (database.text(sql_wal_mode) == "wal") {
                return;
            }
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::storage_busy) {
                throw;
            }
            why = error.what();
        }
        if (attempt == attempts) {
            throw Error(
                ErrorKind::storage_busy,
                "busy",
                fmt::format("{} can't be switched to WAL mode: {}", database.file().string(), why),
                "Nothing has changed. Stop the tap's program for a moment and run this again."
            );
        }
        std::this_thread::sleep_for(pause_between_attempts);
    }
}

}  // namespace tapline::journal
