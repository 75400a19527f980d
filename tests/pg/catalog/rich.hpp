// A database with one of everything (rich_schema.sql), and what is asked of it.
#pragma once

#include <string>
#include <vector>

#include "central/catalog/compare.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

/// Made once, with roles cat_alice and cat_bob. Nobody may connect to it while copies are made.
[[nodiscard]] const std::string& rich_database();
/// Its catalog, read once.
[[nodiscard]] const catalog::Catalog& rich_catalog();

/// Runs a file of this directory in a database; the two roles exist.
void run_file(const std::string& database, const std::string& name);

/// A database of its own for one case; dropped at the end.
class CopyOf {
  public:
    explicit CopyOf(const std::string& source);
    ~CopyOf();
    CopyOf(const CopyOf&) = delete;
    CopyOf& operator=(const CopyOf&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] pg::Session connect() const { return PgCluster::shared().connect(name_); }

  private:
    std::string name_;
};

[[nodiscard]] catalog::Catalog read(const std::string& database);

/// The whole database through pg_dump and psql into `target`. options: of pg_dump.
void dump_and_restore(
    const std::string& source,
    const std::string& target,
    const std::vector<std::string>& options = {}
);

/// Lines of text for messages.
[[nodiscard]] std::string shown(const std::vector<catalog::Finding>& findings);

}  // namespace tapline::test
