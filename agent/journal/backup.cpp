#include "agent/journal/backup.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "agent/journal/disk_use.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view sql_quick_check = "PRAGMA quick_check(1)";
constexpr std::string_view sql_has_pours =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'pours' COLLATE NOCASE";
constexpr std::string_view sql_rows = "SELECT count(*) FROM pours";
constexpr int max_backups_a_second = 100;
constexpr const char* partial_suffix = ".partial";

std::int64_t rows_of(Database& database) {
    return database.integer(sql_has_pours) == 0 ? 0 : database.integer(sql_rows);
}

fs::path free_name(const fs::path& journal) {
    const auto base = fmt::format("{}.tapline-backup-{}", journal.string(), utc_stamp());
    fs::path name = base;
    for (int number = 2; fs::exists(name) && number < max_backups_a_second; ++number) {
        name = fmt::format("{}-{}", base, number);
    }
    return name;
}

/// Halves that a failed run left, with SQLite's own files beside them; each is as large as the
/// journal. The caller has its lock.
void remove_partials(const fs::path& journal) {
    const auto prefix = journal.filename().string() + ".tapline-backup-";
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(journal.parent_path(), error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(prefix) && name.find(partial_suffix) != std::string::npos) {
            fs::remove(entry.path(), error);
        }
    }
}

[[noreturn]] void fail(const fs::path& file, const std::string& why) {
    throw Error(
        ErrorKind::storage,
        "backup_failed",
        fmt::format("{}: {}", file.string(), why),
        "Nothing has changed. Check the disk (df, dmesg), then run this again."
    );
}

/// The backup must hold what the journal held when it began; the tap may have poured since.
void verify(const fs::path& partial, std::int64_t rows_before) {
    Database copy(partial);
    if (const auto verdict = copy.text(sql_quick_check); verdict != "ok") {
        fail(partial, "the backup is damaged: " + verdict);
    }
    if (const auto rows = rows_of(copy); rows < rows_before) {
        fail(partial, fmt::format("the backup holds {} pours, the journal {}", rows, rows_before));
    }
}

}  // namespace

std::string utc_stamp() {
    std::string text;
    for (const char c : format_utc(SystemClock().now_utc()).substr(0, 19)) {
        if (c != '-' && c != ':') {
            text.push_back(c);
        }
    }
    return text + "Z";
}

void sync_file(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        if (errno == ENOENT) {
            return;
        }
        fail(file, std::strerror(errno));
    }
    count_sync();
    const int result = ::fsync(descriptor);
    const int reason = errno;
    ::close(descriptor);
    if (result != 0) {
        fail(file, std::strerror(reason));
    }
}

fs::path make_backup(Database& database) {
    const auto& journal = database.file();
    const auto final_name = free_name(journal);
    const fs::path partial = final_name.string() + partial_suffix;
    std::error_code error;
    remove_partials(journal);

    struct stat status {};

    const bool known = ::stat(journal.c_str(), &status) == 0;
    try {
        const auto rows = rows_of(database);
        database.exec(fmt::format("VACUUM INTO {}", quote_text(partial.string())));
        verify(partial, rows);
    } catch (const Error&) {
        remove_partials(journal);
        throw;
    }
    if (known && ::chmod(partial.c_str(), status.st_mode & 07777U) != 0) {
        fail(partial, std::strerror(errno));
    }
    sync_file(partial);
    fs::rename(partial, final_name, error);
    if (error) {
        fail(final_name, error.message());
    }
    sync_file(final_name.parent_path());
    return final_name;
}

}  // namespace tapline::journal
