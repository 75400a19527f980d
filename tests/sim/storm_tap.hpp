// The tap's own program: INSERTs of its release, FULL as Debian's SQLite has it, one connection for
// all or one for each.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "common/clock.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sqlite/files.hpp"

namespace tapline::test {

class StormTap {
  public:
    struct Habit {
        std::string_view release = "gen8";
        bool persistent = false;
        bool full = true;  ///< false: a program that was set up wrong
    };

    StormTap(std::filesystem::path file, Habit habit) : file_(std::move(file)), habit_(habit) {}

    /// True when COMMIT told it that the pour is there. utc: the device's clock.
    bool pour(const PourTry& pour, UtcTime utc);
    /// Takes the write lock and INSERTs; end() commits. False: it got nowhere, end() isn't due.
    bool begin(const PourTry& pour, UtcTime utc);
    bool end();

    [[nodiscard]] bool in_transaction() const noexcept { return in_transaction_; }

    /// Its process is gone.
    void kill();

  private:
    [[nodiscard]] bool connect();
    void rest();
    [[nodiscard]] bool insert(const PourTry& pour, UtcTime utc);

    std::filesystem::path file_;
    Habit habit_;
    std::optional<Plain> connection_;
    bool in_transaction_ = false;
};

}  // namespace tapline::test
