// A private PostgreSQL for one run: durable as in production (fsync, full_page_writes), on the disk
// of the work directory, reachable by its Unix socket only.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bench/lab/process.hpp"

namespace tapline::bench {

class Cluster {
  public:
    /// initdb and start; runs as `postgres` when we are root.
    explicit Cluster(const std::filesystem::path& directory);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    [[nodiscard]] std::string url(const std::string& database) const;

    [[nodiscard]] pid_t postmaster() const noexcept { return server_->pid(); }

    /// Our settings that differ from PostgreSQL's defaults.
    [[nodiscard]] static std::string settings();

  private:
    std::filesystem::path directory_;
    std::unique_ptr<Child> server_;
};

/// A database that goes away with the object.
class Database {
  public:
    /// `like`: an existing database without sessions, or "template0".
    Database(const Cluster& cluster, std::string name, const std::string& like);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] std::string url() const { return cluster_.url(name_); }

  private:
    const Cluster& cluster_;
    std::string name_;
};

}  // namespace tapline::bench
