// A PostgreSQL of the test program's own: in memory where /dev/shm is, gone with the program even
// when that is killed. Its default is synchronous_commit=off, so that code which acks without
// SET LOCAL synchronous_commit = on is caught.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "central/pg/session.hpp"

namespace tapline::test {

class PgCluster {
  public:
    /// Started at the first call, stopped at the program's end. Call it from the main thread first:
    /// the server dies with the thread that started it.
    static PgCluster& shared();

    ~PgCluster();
    PgCluster(const PgCluster&) = delete;
    PgCluster& operator=(const PgCluster&) = delete;

    /// For ConnectOptions::url.
    [[nodiscard]] std::string url(const std::string& database) const;
    [[nodiscard]] pg::Session connect(const std::string& database) const;
    /// Kills the server in the hardest way it survives (SIGQUIT) and starts it again.
    void crash_and_restart();

    /// Name of a database with both lineages at head, to make others of. Nobody may connect to it.
    [[nodiscard]] const std::string& template_at_head();

  private:
    PgCluster();
    void start();
    void wait_until_gone() const;

    std::filesystem::path directory_;
    pid_t server_ = 0;
    std::string template_;
};

/// One database for one test; dropped at the end, sessions and all.
class TestDatabase {
  public:
    enum class Schema { empty, at_head };

    explicit TestDatabase(Schema schema = Schema::at_head);
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] std::string url() const;
    [[nodiscard]] pg::Session connect() const;

  private:
    std::string name_;
};

}  // namespace tapline::test
