// What every measurement of a run shares: the programs, a work directory, a PostgreSQL, and a
// database at head with the bar in it to copy from.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "bench/lab/cluster.hpp"
#include "bench/lab/programs.hpp"
#include "bench/lab/work_directory.hpp"

namespace tapline::bench {

class PgConnection;

struct LabOptions {
    std::filesystem::path programs;              ///< directory of tapline's binaries
    std::filesystem::path work_in = "/var/tmp";  ///< a real disk
    std::chrono::seconds limit{600};             ///< of any single wait for work to be done
    bool keep = false;
};

class Lab {
  public:
    explicit Lab(LabOptions options);

    [[nodiscard]] const LabOptions& options() const noexcept { return options_; }

    [[nodiscard]] const std::filesystem::path& directory() const noexcept {
        return directory_.path();
    }

    [[nodiscard]] const Cluster& cluster() const noexcept { return *cluster_; }

    [[nodiscard]] const Programs& programs() const noexcept { return programs_; }

    [[nodiscard]] std::filesystem::path log(const std::string& name) const {
        return directory() / (name + ".log");
    }

    /// A copy of the prepared database, checkpointed.
    [[nodiscard]] Database fresh_database(const std::string& name) const;

  private:
    LabOptions options_;
    WorkDirectory directory_;
    WorkDirectory status_directory_;
    Programs programs_;
    std::unique_ptr<Cluster> cluster_;
    std::optional<Database> prepared_;
};

/// A line on stderr with the seconds since the program's start.
void say(const std::string& text);

/// Rows that are settled or in quarantine, by the cursors; one small query.
[[nodiscard]] std::int64_t moved_rows(PgConnection& connection);

}  // namespace tapline::bench
