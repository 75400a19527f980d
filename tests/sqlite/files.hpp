// Journals on disk for the tests, written as the tap's program writes them: with plain SQLite.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/journal_shapes.hpp"

struct sqlite3;

namespace tapline::test {

/// A directory of its own, removed at the end.
class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

/// The C API and nothing of ours.
class Plain {
  public:
    explicit Plain(const std::filesystem::path& file, int busy_timeout_ms = 5000);
    ~Plain();
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    /// SQLite's result code; 0 is success.
    int run(std::string_view sql);
    /// Throws std::runtime_error unless it works.
    void exec(std::string_view sql);
    /// Result code of one statement with ?1 and ?2 bound.
    int insert(std::string_view sql, const std::string& first, std::int64_t second);
    /// quote()d cells of a query, "|" between columns.
    [[nodiscard]] std::vector<std::string> rows(std::string_view sql);
    [[nodiscard]] std::string one(std::string_view sql);
    [[nodiscard]] std::string error() const;

    [[nodiscard]] sqlite3* handle() { return handle_; }

  private:
    sqlite3* handle_ = nullptr;
};

[[nodiscard]] std::string id_of(int number);

/// A file of that shape with `rows` pours in all statuses of its time. Returns the client_tx_ids.
void make_journal(const std::filesystem::path& file, const FieldShape& shape, int rows);
void make_journal(const std::filesystem::path& file, std::string_view origin, int rows);

/// What must survive: status counts, sums, ids.
struct Account {
    std::vector<std::string> per_status;
    std::string volume_ml;
    std::string price_cents;
    std::vector<std::string> ids;
    bool operator==(const Account&) const = default;
};

/// status_column: "status" or "legacy_status".
[[nodiscard]] Account account_of(
    const std::filesystem::path& file, std::string_view status_column = "status"
);

/// Every file in the journal's directory but the lock, with its bytes.
[[nodiscard]] std::map<std::string, std::string> bytes_of(const std::filesystem::path& directory);

/// Runs `job` in a child process; its exit status, or -signal. An exception is status 99.
int in_child(const std::function<void()>& job);

/// The tap's program in a process of its own: one INSERT every few ms until told to stop.
class Tap {
  public:
    struct Habit {
        std::string_view insert = release("gen8").insert;
        int timeout_ms = 5000;    ///< Python's default
        bool persistent = false;  ///< one connection for all, or one per INSERT as the field does
        int pause_ms = 3;
        int hold_ms = 0;  ///< between INSERT and COMMIT, as a slow card makes it
    };

    struct Result {
        int written = 0;
        int failed = 0;
    };

    Tap(const std::filesystem::path& file, const Habit& habit);
    ~Tap();
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;
    [[nodiscard]] Result stop();

  private:
    int child_ = -1;
    int stop_pipe_ = -1;
    int result_pipe_ = -1;
};

/// As in_child, but the child gets SIGKILL after that time unless it is done. -9 when it was
/// killed.
int in_child_killed_after(const std::function<void()>& job, int microseconds);

}  // namespace tapline::test
