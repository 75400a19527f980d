// What the tests of the runner share.
#pragma once

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <fmt/format.h>

#include "central/revision/execute.hpp"
#include "common/error.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace fs = std::filesystem;
using revision::AppliedHeads;

inline const AppliedHeads at_base{{}, {}};

inline revision::RunOptions options_for(const TestDatabase& database) {
    revision::RunOptions options;
    options.connect = {.url = database.url(), .application_name = "test runner"};
    return options;
}

inline AppliedHeads heads_of(const TestDatabase& database, const revision::LineageSet& set) {
    return revision::Runner(set, options_for(database)).applied();
}

inline AppliedHeads all_heads(const revision::LineageSet& set) {
    AppliedHeads heads;
    for (const revision::DatabaseLineage& one : set) {
        heads.push_back(one.lineage.heads());
    }
    return heads;
}

/// A directory of revision files for one test.
class Files {
  public:
    Files() : directory_(fs::temp_directory_path() / fmt::format("tapline-rev-{}", getpid())) {
        fs::remove_all(directory_);
        fs::create_directories(directory_ / "app");
        fs::create_directories(directory_ / "tapline");
    }

    ~Files() { fs::remove_all(directory_); }

    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;

    void write(
        const std::string& id,
        const std::string& before,
        const std::string& up,
        const std::string& down,
        const std::string& options = ""
    ) const {
        std::ofstream(directory_ / "app" / (id + "_x.sql"))
            << "-- x\n-- Revision ID: " << id << "\n-- Revises: " << before
            << "\n-- Create Date: 2026-01-01\n-- Phase: expand\n\n-- tapline: upgrade" << options
            << "\n"
            << up << "\n-- tapline: downgrade\n"
            << down << "\n";
    }

    [[nodiscard]] revision::LineageSet load() const {
        return revision::load_lineages({directory_, std::nullopt});
    }

  private:
    fs::path directory_;
};

template <typename Call>
Error error_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::bug, "no_error", "nothing was thrown"};
}

}  // namespace tapline::test
