#include "tests/sqlite/files.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sqlite3.h>

namespace tapline::test {

namespace fs = std::filesystem;

TempDir::TempDir() {
    // kill -9 loses nothing of memory files; a hundred adoptions with their fsyncs wait minutes for
    // a disk.
    const fs::path memory = "/dev/shm";
    const auto parent = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    std::string pattern = (parent / "tapline-sqlite-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("mkdtemp");
    }
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

Plain::Plain(const fs::path& file, int busy_timeout_ms) {
    if (sqlite3_open(file.c_str(), &handle_) != SQLITE_OK) {
        sqlite3_close(handle_);  // also after a failure: SQLite, sqlite3_open
        throw std::runtime_error("cannot open " + file.string());
    }
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
}

Plain::~Plain() {
    sqlite3_close(handle_);
}

int Plain::run(std::string_view sql) {
    return sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
}

void Plain::exec(std::string_view sql) {
    if (run(sql) != SQLITE_OK) {
        throw std::runtime_error(fmt::format("{}: {}", error(), sql));
    }
}

int Plain::insert(std::string_view sql, const std::string& first, std::int64_t second) {
    sqlite3_stmt* statement = nullptr;
    int code =
        sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    if (code != SQLITE_OK) {
        return code;
    }
    sqlite3_bind_text(statement, 1, first.c_str(), -1, SQLITE_TRANSIENT);
    if (sqlite3_bind_parameter_count(statement) > 1) {
        sqlite3_bind_int64(statement, 2, second);
    }
    code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

std::vector<std::string> Plain::rows(std::string_view sql) {
    std::vector<std::string> result;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(
            handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr
        ) != SQLITE_OK) {
        throw std::runtime_error(fmt::format("{}: {}", error(), sql));
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        std::string line;
        for (int column = 0; column < sqlite3_column_count(statement); ++column) {
            const auto* text =
                reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
            if (column != 0) {
                line += '|';
            }
            line += text == nullptr ? std::string("NULL") : std::string(text, size);
        }
        result.push_back(std::move(line));
    }
    sqlite3_finalize(statement);
    return result;
}

std::string Plain::one(std::string_view sql) {
    const auto found = rows(sql);
    return found.empty() ? std::string{} : found.front();
}

std::string Plain::error() const {
    return sqlite3_errmsg(handle_);
}

std::string id_of(int number) {
    return fmt::format(
        "{:08x}-0000-4000-8000-{:012x}", static_cast<unsigned>(number) * 2654435761U, number
    );
}

void make_journal(const fs::path& file, const FieldShape& shape, int rows) {
    const auto& origin = release(shape.origin);
    Plain database(file);
    database.exec(origin.wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
    database.exec(origin.create);
    // gen1's own INSERT never worked: the rows in such files are gen4's.
    const auto insert = shape.origin == "gen1" ? release("gen4").insert : origin.insert;
    database.exec("BEGIN");
    for (int number = 1; number <= rows; ++number) {
        const auto id = id_of(number);
        const auto text =
            shape.origin == "gen3"
                ? fmt::format(R"({{"client_tx_id": "{}", "volume_ml": {}}})", id, 100 + number)
                : id;
        if (database.insert(insert, text, 100 + number) != SQLITE_OK) {
            throw std::runtime_error(database.error());
        }
    }
    database.exec("UPDATE pours SET status = 'confirmed' WHERE rowid % 3 = 1");
    if (shape.origin != "gen3") {
        database.exec("UPDATE pours SET status = 'failed' WHERE rowid % 7 = 2");
    }
    if (shape.origin >= "gen6") {
        database.exec("UPDATE pours SET status = 'audit_only', attempts = 3 WHERE rowid % 11 = 3");
        database.exec("UPDATE pours SET status = 'rejected' WHERE rowid % 13 = 4");
    }
    database.exec("COMMIT");
    for (std::size_t i = 0; i < shape.appends; ++i) {
        database.exec(appended[shape.first_append + i]);
    }
}

void make_journal(const fs::path& file, std::string_view origin, int rows) {
    make_journal(file, FieldShape{origin, 0, 0, origin}, rows);
}

Account account_of(const fs::path& file, std::string_view status_column) {
    Plain database(file);
    Account account;
    account.per_status = database.rows(fmt::format(
        "SELECT COALESCE({0}, ''), count(*) FROM pours GROUP BY 1 ORDER BY 1", status_column
    ));
    const bool has_volume =
        database.one("SELECT count(*) FROM pragma_table_info('pours') WHERE name = 'volume_ml'") ==
        "1";
    if (has_volume) {
        account.volume_ml = database.one("SELECT total(volume_ml) FROM pours");
        account.price_cents = database.one("SELECT total(price_cents) FROM pours");
    }
    account.ids = database.rows("SELECT quote(client_tx_id) FROM pours ORDER BY 1");
    return account;
}

std::map<std::string, std::string> bytes_of(const fs::path& directory) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.is_regular_file()) {
            std::ifstream stream(entry.path(), std::ios::binary);
            files[fs::relative(entry.path(), directory).string()] =
                std::string(std::istreambuf_iterator<char>(stream), {});
        }
    }
    return files;
}

namespace {

pid_t start(const std::function<void()>& job) {
    std::fflush(nullptr);
    const auto child = ::fork();
    if (child == 0) {
        int status = 0;
        try {
            job();
        } catch (const std::exception& error) {
            fmt::print(stderr, "in child: {}\n", error.what());
            status = 99;
        }
        ::_exit(status);
    }
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// Until the other end of the pipe is closed.
Tap::Result pour_until_closed(const fs::path& file, const Tap::Habit& habit, int stop_pipe) {
    Tap::Result result;
    std::unique_ptr<Plain> connection;
    pollfd closed{stop_pipe, POLLIN, 0};
    for (int number = 100'000; ::poll(&closed, 1, habit.pause_ms) == 0; ++number) {
        if (!habit.persistent || !connection) {
            connection.reset();
            connection = std::make_unique<Plain>(file, habit.timeout_ms);
        }
        int code = habit.hold_ms > 0 ? connection->run("BEGIN IMMEDIATE") : SQLITE_OK;
        code = code == SQLITE_OK ? connection->insert(habit.insert, id_of(number), 100) : code;
        if (habit.hold_ms > 0 && code == SQLITE_OK) {
            ::usleep(static_cast<useconds_t>(habit.hold_ms) * 1000);
            code = connection->run("COMMIT");
        }
        ++(code == SQLITE_OK ? result.written : result.failed);
        if (code != SQLITE_OK) {
            fmt::print(stderr, "tap: {}\n", connection->error());
        }
    }
    return result;
}

}  // namespace

Tap::Tap(const fs::path& file, const Habit& habit) {
    std::array<int, 2> stop_ends{};
    std::array<int, 2> result_ends{};
    if (::pipe(stop_ends.data()) != 0 || ::pipe(result_ends.data()) != 0) {
        throw std::runtime_error("pipe");
    }
    child_ = start([&] {
        ::close(stop_ends[1]);
        const auto result = pour_until_closed(file, habit, stop_ends[0]);
        if (::write(result_ends[1], &result, sizeof result) != sizeof result) {
            throw std::runtime_error("write");
        }
    });
    ::close(stop_ends[0]);
    ::close(result_ends[1]);
    stop_pipe_ = stop_ends[1];
    result_pipe_ = result_ends[0];
}

Tap::Result Tap::stop() {
    ::close(stop_pipe_);
    Result result{-1, -1};
    if (::read(result_pipe_, &result, sizeof result) != sizeof result) {
        result = {-1, -1};
    }
    ::close(result_pipe_);
    wait_for(child_);
    child_ = -1;
    return result;
}

Tap::~Tap() {
    if (child_ > 0) {
        [[maybe_unused]] const auto result = stop();
    }
}

int in_child(const std::function<void()>& job) {
    return wait_for(start(job));
}

int in_child_killed_after(const std::function<void()>& job, int microseconds) {
    const auto child = start(job);
    ::usleep(static_cast<useconds_t>(microseconds));
    ::kill(child, SIGKILL);
    return wait_for(child);
}

}  // namespace tapline::test
