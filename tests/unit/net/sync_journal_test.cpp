// The whole agent side on a real file: SQLite, the watch, the syncer, HTTP, a gateway.
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/sync/https_transport.hpp"
#include "agent/sync/syncer.hpp"
#include "agent/sync/watch.hpp"
#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "tests/support/fake_backend.hpp"

using namespace std::chrono_literals;

namespace {

/// Takes every batch and knows how often it saw each id.
class Counting final : public tapline::test::FakeBackend {
  public:
    std::atomic<tapline::Seq> cursor{0};
    std::atomic<int> stored{0};
    tapline::RowHash hash{};
    std::map<std::string, int> ids;

    [[nodiscard]] boost::asio::awaitable<tapline::settle::Outcome> pours(
        std::string, tapline::wire::Batch sent
    ) override {
        for (const auto& row : sent.rows) {
            ++ids[std::get<tapline::Text>(*row.find("client_tx_id")).bytes];
            ++stored;
        }
        cursor = sent.last_seq;
        hash = sent.hash;
        tapline::wire::Ack ack;
        ack.acked_through = sent.last_seq;
        co_return ack;
    }

    [[nodiscard]] boost::asio::awaitable<tapline::gateway::HelloOutcome> hello(
        std::string, tapline::wire::Hello
    ) override {
        tapline::wire::HelloReply reply;
        reply.cursor = cursor;
        reply.hash_at_cursor = hash;
        co_return reply;
    }

    [[nodiscard]] boost::asio::awaitable<std::optional<tapline::wire::Problem>> obstacle(
    ) override {
        co_return std::nullopt;
    }
};

/// The tap's program: plain SQLite, a connection kept open.
class Tap {
  public:
    explicit Tap(const std::filesystem::path& file) {
        REQUIRE(sqlite3_open(file.c_str(), &handle_) == SQLITE_OK);
        sqlite3_busy_timeout(handle_, 100);
    }

    ~Tap() { sqlite3_close(handle_); }

    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;

    void pour() {
        const std::string sql =
            "INSERT INTO pours (client_tx_id, card_uid, tap_id, volume_ml, price_cents, status) "
            "VALUES ('tx" +
            std::to_string(++written) + "', '04A2', 1, 250, 300, 'new')";
        REQUIRE(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    }

    [[nodiscard]] std::int64_t count(const std::string& status) {
        sqlite3_stmt* statement = nullptr;
        const std::string sql = "SELECT count(*) FROM pours WHERE status = '" + status + "'";
        REQUIRE(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
        REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
        const auto found = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        return found;
    }

    int written = 0;

  private:
    sqlite3* handle_ = nullptr;
};

struct Directory {
    Directory()
        : path(
              std::filesystem::temp_directory_path() / ("tapline-net-" + std::to_string(::getpid()))
          ) {
        std::filesystem::remove_all(path);
        std::filesystem::create_directory(path);
        tapline::journal::adopt(path / "journal.db");
    }

    ~Directory() { std::filesystem::remove_all(path); }

    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    std::filesystem::path path;
};

tapline::sync::SyncOptions options() {
    tapline::sync::SyncOptions options;
    options.file = "journal.db";
    options.controller = "tap-1";
    options.agent_version = "test";
    options.backoff = tapline::BackoffLimits{50ms, 200ms, 50ms};
    return options;
}

/// Agent and gateway, each I/O thread and the storage thread for real.
struct Machine {
    explicit Machine(const std::filesystem::path& file)
        : server(
              io.get_executor(),
              {},
              [this](tapline::http::Request request) { return routes.handle(std::move(request)); }
          ),
          transport(
              tapline::sync::parse_central_url("http://127.0.0.1:" + std::to_string(server.port()))
          ),
          store(storage.get_executor(), [file] { return tapline::journal::Journal::open(file); }),
          syncer(options(), tapline::sync::Syncer::Seams{clock, transport, store}),
          watch(storage.get_executor()),
          storage_work(boost::asio::make_work_guard(storage)) {
        tapline::sync::Watch::Handlers handlers;
        handlers.changed = [this] { syncer.wake(); };
        handlers.swapped = [this] { syncer.swapped(); };
        watch.add(store, file, io.get_executor(), std::move(handlers));
        watch.start();
        boost::asio::co_spawn(io, server.run(), rethrow);
        boost::asio::co_spawn(io, syncer.run(), [this](std::exception_ptr failure) {
            server.stop();
            rethrow(failure);
        });
        storage_thread = std::thread([this] { storage.run(); });
        io_thread = std::thread([this] { io.run(); });
    }

    ~Machine() {
        boost::asio::post(io, [this] { syncer.stop(); });
        io_thread.join();
        boost::asio::post(storage, [this] { watch.stop(); });
        storage_work.reset();
        storage_thread.join();
    }

    static void rethrow(std::exception_ptr failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    [[nodiscard]] bool wait_for(int stored, std::chrono::milliseconds patience) const {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (backend.stored < stored && std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(500us);
        }
        return backend.stored >= stored;
    }

    boost::asio::io_context io{1};
    boost::asio::io_context storage{1};
    Counting backend;
    tapline::SystemClock clock;
    tapline::gateway::Routes routes{backend, storage.get_executor()};
    tapline::gateway::Server server;
    tapline::sync::HttpsTransport transport;
    tapline::sync::Store store;
    tapline::sync::Syncer syncer;
    tapline::sync::Watch watch;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> storage_work;
    std::thread storage_thread;
    std::thread io_thread;
};

}  // namespace

TEST_CASE("Agent: what the tap writes reaches central once, and soon, because of the hint") {
    const Directory directory;
    Tap tap(directory.path / "journal.db");
    {
        const Machine machine(directory.path / "journal.db");
        tap.pour();
        REQUIRE(machine.wait_for(1, 10s));
        std::vector<std::chrono::steady_clock::duration> took;
        for (int i = 0; i < 20; ++i) {
            std::this_thread::sleep_for(30ms);
            const auto began = std::chrono::steady_clock::now();
            tap.pour();
            REQUIRE(machine.wait_for(tap.written, 10s));
            took.push_back(std::chrono::steady_clock::now() - began);
        }
        std::sort(took.begin(), took.end());
        // Polling alone would take 125 ms in the middle; the figure itself is the bench's matter.
        CHECK(took[took.size() / 2] < 100ms);
    }
    CHECK(tap.count("confirmed") == tap.written);
}

TEST_CASE("Agent: a backlog and a tap at full speed end with every pour stored and confirmed") {
    const Directory directory;
    Tap tap(directory.path / "journal.db");
    for (int i = 0; i < 1'300; ++i) {
        tap.pour();
    }
    {
        const Machine machine(directory.path / "journal.db");
        for (int i = 0; i < 500; ++i) {
            tap.pour();
        }
        REQUIRE(machine.wait_for(tap.written, 60s));
        CHECK(machine.backend.stored == tap.written);
        CHECK(machine.backend.ids.size() == static_cast<std::size_t>(tap.written));
    }
    CHECK(tap.count("confirmed") == tap.written);
}

TEST_CASE("Agent: a quiet journal isn't written to") {
    const Directory directory;
    const auto file = directory.path / "journal.db";
    Tap tap(file);
    const Machine machine(file);
    tap.pour();
    REQUIRE(machine.wait_for(1, 10s));
    std::this_thread::sleep_for(6'500ms);  // past the checkpoint of a quiet journal
    const auto wal = file.string() + "-wal";
    const auto written = std::filesystem::last_write_time(file);
    const auto wal_written = std::filesystem::last_write_time(wal);
    std::this_thread::sleep_for(3s);
    CHECK(std::filesystem::last_write_time(file) == written);
    CHECK(std::filesystem::last_write_time(wal) == wal_written);
}

TEST_CASE("Agent: a file put in the journal's place is opened and its pours are sent") {
    const Directory directory;
    const auto file = directory.path / "journal.db";
    const auto other = directory.path / "other.db";
    tapline::journal::adopt(other);
    {
        Tap tap(other);
        tap.pour();
    }
    const Machine machine(file);
    std::this_thread::sleep_for(300ms);
    // As a careful technician does it: the old file with all that belongs to it goes first.
    for (const auto* suffix : {"", "-wal", "-shm"}) {
        std::filesystem::remove(file.string() + suffix);
    }
    std::filesystem::rename(other, file);
    CHECK(machine.wait_for(1, 10s));
}
