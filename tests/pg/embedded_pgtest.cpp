#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/pg/embedded.hpp"
#include "central/pg/session.hpp"
#include "common/error.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// A directory whose server is gone at the end of the test, however it ended.
class Home {
  public:
    explicit Home(const std::string& name = "")
        : path_(base() / fmt::format("tapline-embedded-{}{}", getpid(), name)) {
        fs::remove_all(path_);
    }

    ~Home() {
        for (const pid_t pid : pg::processes_in(path_ / "data")) {
            kill(pid, SIGQUIT);
        }
        while (!pg::processes_in(path_ / "data").empty()) {
            waitpid(-1, nullptr, WNOHANG);
            std::this_thread::sleep_for(milliseconds(20));
        }
        fs::remove_all(path_);
    }

    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

  private:
    static fs::path base() {
        return access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
    }

    fs::path path_;
};

std::int64_t value_of(const std::string& url) {
    pg::Session session({.url = url});
    return session.run("SELECT max(n) FROM t")[0].integer(0);
}

/// A central that has its server up, has committed 42, and is killed.
pid_t serve_and_die(const fs::path& directory) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        pg::EmbeddedServer server(directory);
        pg::Session session({.url = server.url()});
        session.run("CREATE TABLE t (n int); INSERT INTO t VALUES (42)");
        const pid_t postmaster = server.postmaster();
        (void)!write(pipe_ends[1], &postmaster, sizeof postmaster);
        pause();
    }
    close(pipe_ends[1]);
    pid_t postmaster = 0;
    REQUIRE(read(pipe_ends[0], &postmaster, sizeof postmaster) == sizeof postmaster);
    close(pipe_ends[0]);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return postmaster;
}

}  // namespace

TEST_CASE("Embedded.ServesFromAnEmptyDirectoryAndStops") {
    Home home;
    pg::EmbeddedServer server(home.path());
    CHECK(server.is_new());
    CHECK(server.running());
    pg::Session session({.url = server.url()});
    CHECK(session.run("SHOW fsync")[0].text(0) == "on");
    CHECK(session.run("SHOW synchronous_commit")[0].text(0) == "on");
    CHECK(session.run("SHOW data_checksums")[0].text(0) == "on");
    CHECK(session.run("SHOW listen_addresses")[0].text(0).empty());
    CHECK(
        session.run("SELECT datcollate FROM pg_database WHERE datname = 'tapline'")[0].text(0) ==
        "C.UTF-8"
    );

    struct stat found {};

    REQUIRE(stat((home.path() / "database_url").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    std::ifstream in(home.path() / "database_url");
    std::string line;
    std::getline(in, line);
    CHECK(line == server.url());
    CHECK_THROWS_AS(pg::EmbeddedServer(home.path()), Error);
    server.setup_done();
    server.stop();
    CHECK_FALSE(server.running());
    CHECK(pg::processes_in(home.path() / "data").empty());
}

TEST_CASE("Embedded.ACentralThatWasKilledAttachesToTheSameServer") {
    Home home;
    const pid_t postmaster = serve_and_die(home.path());
    pg::EmbeddedServer server(home.path());
    CHECK(server.postmaster() == postmaster);
    // The first start never came to its setup_done().
    CHECK(server.is_new());
    CHECK(value_of(server.url()) == 42);
    server.stop();
}

TEST_CASE("Embedded.AKilledPostmasterIsReplacedAndNothingIsLost") {
    Home home;
    const pid_t postmaster = serve_and_die(home.path());
    pg::EmbeddedServer server(home.path());
    kill(postmaster, SIGKILL);
    pg::EmbeddedServer::State state = pg::EmbeddedServer::State::running;
    for (int i = 0; i < 300 && state != pg::EmbeddedServer::State::restarted; ++i) {
        state = server.ensure_running();
        std::this_thread::sleep_for(milliseconds(50));
    }
    CHECK(state == pg::EmbeddedServer::State::restarted);
    CHECK(server.postmaster() != postmaster);
    CHECK(value_of(server.url()) == 42);
    CHECK(server.ensure_running() == pg::EmbeddedServer::State::running);
    server.stop();
}

TEST_CASE("Embedded.AChildThatWorksOnAfterItsPostmasterIsEndedFirst") {
    Home home;
    pg::EmbeddedServer server(home.path());
    const std::string url = server.url();
    std::thread busy([&url] {
        try {
            // Looks neither at its postmaster nor at its client for minutes.
            pg::Session session({.url = url, .application_name = "busy"});
            session.run("SELECT count(*) FROM generate_series(1, 3000000000)");
        } catch (const Error&) {
            // Ended with the server, as it should.
        }
    });
    pg::Session observer({.url = url});
    while (observer
               .run("SELECT 1 FROM pg_stat_activity WHERE application_name = 'busy' AND state = "
                    "'active'")
               .empty()) {
        std::this_thread::sleep_for(milliseconds(20));
    }
    kill(server.postmaster(), SIGKILL);
    while (server.running()) {
        std::this_thread::sleep_for(milliseconds(5));
    }
    CHECK(server.ensure_running() == pg::EmbeddedServer::State::restarted);
    busy.join();
    server.stop();
}

TEST_CASE("Embedded.AStalePidFileOfAnotherProgramDoesNotKeepItDown") {
    Home home;
    {
        pg::EmbeddedServer server(home.path());
        server.setup_done();
        server.stop();
    }
    // The same account: PostgreSQL itself sees through the number of anybody else's process.
    const pid_t other = pg::spawn({{"/bin/sleep", "60"}, {}, SIGKILL}, pg::postgres_account());
    std::ofstream(home.path() / "data" / "postmaster.pid") << other << "\n/elsewhere\n";
    pg::EmbeddedServer server(home.path());
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
    CHECK(server.running());
    CHECK_FALSE(server.is_new());
    server.stop();
}

TEST_CASE("Embedded.AnInitdbThatWasKilledIsDoneAgain") {
    Home home;
    fs::create_directories(home.path() / "data.new" / "base");
    pg::EmbeddedServer server(home.path());
    CHECK(server.is_new());
    server.stop();
}

TEST_CASE("Embedded.ADirectoryOfSomebodyElseIsLeftAlone") {
    Home home;
    fs::create_directories(home.path());
    std::ofstream(home.path() / "passwd") << "root";
    CHECK_THROWS_AS(pg::EmbeddedServer(home.path()), Error);
    CHECK(std::distance(fs::directory_iterator(home.path()), {}) == 1);
}

TEST_CASE("Embedded.ALongPathGetsAShortSocket") {
    Home home("/" + std::string(90, 'd'));
    fs::create_directories(home.path().parent_path());
    pg::EmbeddedServer server(home.path());
    pg::Session session({.url = server.url()});
    CHECK(session.run("SELECT 1")[0].integer(0) == 1);
    server.stop();
    fs::remove_all(home.path().parent_path());
}

TEST_CASE("Embedded.AParentThatPostgresCannotEnterIsNamed") {
    if (geteuid() != 0) {
        return;
    }
    Home home("/closed/inside");
    const fs::path closed = home.path().parent_path();
    fs::create_directories(closed);
    fs::permissions(closed, fs::perms::owner_all);
    try {
        const pg::EmbeddedServer server(home.path());
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.code() == "embedded_directory");
        CHECK(exit_code(error.kind()) == 3);
        CHECK(std::string(error.what()).find(closed.string()) != std::string::npos);
        CHECK(error.hint().find("chmod o+x " + closed.string()) != std::string::npos);
    }
    fs::remove_all(closed.parent_path());
}

}  // namespace tapline::test
