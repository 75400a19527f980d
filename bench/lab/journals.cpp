#include "bench/lab/journals.hpp"

#include <fstream>
#include <memory>

#include <unistd.h>

#include <fmt/format.h>
#include <sqlite3.h>

#include "bench/lab/process.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t rows_per_transaction = 5'000;
constexpr std::chrono::seconds adopt_limit{60};

constexpr const char* insert_pour =
    "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml,"
    " tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour)"
    " VALUES (?, ?, ?, ?, ?, ?, 0, ?, 'new', 0, ?)";

class Journal {
  public:
    explicit Journal(const fs::path& file) {
        sqlite3* opened = nullptr;
        const int code = sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
        database_.reset(opened);
        check(code);
        // The copies are synced afterwards.
        execute("PRAGMA synchronous = OFF");
        sqlite3_stmt* prepared = nullptr;
        check(sqlite3_prepare_v2(opened, insert_pour, -1, &prepared, nullptr));
        insert_.reset(prepared);
    }

    void execute(const char* sql) {
        check(sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr));
    }

    void insert(const BenchPour& pour) {
        sqlite3_stmt* const row = insert_.get();
        bind(1, pour.client_tx_id);
        bind(2, pour.client_tx_id.substr(0, 8));
        bind(3, card_uid(pour.guest));
        check(sqlite3_bind_int(row, 4, pour.tap));
        // Beer flows at about 30 ml a second.
        check(sqlite3_bind_int64(row, 5, pour.volume_ml * 1'000 / 30));
        check(sqlite3_bind_int64(row, 6, pour.volume_ml));
        check(sqlite3_bind_int64(row, 7, pour.amount_cents));
        check(sqlite3_bind_double(row, 8, static_cast<double>(price_cents_per_liter) / 100'000));
        if (sqlite3_step(row) != SQLITE_DONE) {
            check(SQLITE_ERROR);
        }
        check(sqlite3_reset(row));
    }

  private:
    struct Close {
        void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };

    void bind(int index, const std::string& text) {
        const int size = static_cast<int>(text.size());
        check(sqlite3_bind_text(insert_.get(), index, text.data(), size, SQLITE_TRANSIENT));
    }

    void check(int code) {
        if (code != SQLITE_OK) {
            throw Error(
                ErrorKind::storage,
                "journal",
                fmt::format("can't fill a journal: {}", sqlite3_errmsg(database_.get()))
            );
        }
    }

    std::unique_ptr<sqlite3, Close> database_;
    std::unique_ptr<sqlite3_stmt, Close> insert_;
};

}  // namespace

void make_journal(const Programs& programs, const fs::path& file) {
    std::ofstream(file).flush();
    Command adopt;
    adopt.arguments = {programs.directory / "tapline-agent", "journal", "adopt", file, "--json"};
    adopt.environment = programs.environment;
    adopt.log = file.parent_path() / "adopt.log";
    Child(adopt).require_success(adopt_limit);
}

void fill_journal(const fs::path& file, PourSource& source, std::int64_t rows) {
    Journal journal(file);
    for (std::int64_t done = 0; done < rows;) {
        journal.execute("BEGIN IMMEDIATE");
        for (std::int64_t row = 0; row < rows_per_transaction && done < rows; ++row, ++done) {
            journal.insert(source.next());
        }
        journal.execute("COMMIT");
    }
    // No WAL stays behind: what is copied is one file.
    journal.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

std::vector<fs::path> make_backlog(
    const Programs& programs, const fs::path& directory, int count, std::int64_t rows_each
) {
    fs::create_directories(directory);
    std::vector<fs::path> files;
    for (int number = 0; number < count; ++number) {
        throw_if_interrupted();
        const fs::path file = directory / fmt::format("journal-{:03}.db", number);
        PourSource source(static_cast<std::uint64_t>(number) + 1, number % taps + 1);
        make_journal(programs, file);
        fill_journal(file, source, rows_each);
        files.push_back(file);
    }
    return files;
}

std::vector<fs::path> copy_journals(
    const std::vector<fs::path>& masters, const fs::path& directory
) {
    fs::remove_all(directory);
    fs::create_directories(directory);
    std::vector<fs::path> copies;
    for (const fs::path& master : masters) {
        copies.push_back(directory / master.filename());
        fs::copy_file(master, copies.back());
    }
    sync();
    return copies;
}

}  // namespace tapline::bench
