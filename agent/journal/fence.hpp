// Somebody else's SQL on a copy: what it may do and how long it may take.
#pragma once

#include <chrono>
#include <string>

#include "agent/journal/database.hpp"

namespace tapline::journal {

inline constexpr std::chrono::milliseconds fenced_time{2000};
/// The copy may grow by no more than that much for one statement.
inline constexpr std::int64_t fenced_pages = 1024;
/// No value that a statement makes is longer.
inline constexpr int fenced_value_bytes = 1 << 20;

/// While it stands, statements of that connection may read, write rows of `pours`, and do what
/// triggers of the file do then; nothing else: no ATTACH, PRAGMA, DDL, VACUUM, load_extension
/// (SQLite, "Compile-Time Authorization Callbacks"). Ends fenced_time after it was made.
class Fence {
  public:
    explicit Fence(Database& database, std::chrono::milliseconds time = fenced_time);
    ~Fence();
    Fence(const Fence&) = delete;
    Fence& operator=(const Fence&) = delete;

    /// "PRAGMA journal_mode", "INSERT into notes"; empty when nothing was refused.
    [[nodiscard]] const std::string& refused() const noexcept { return refused_; }

  private:
    static int ask(
        void* fence,
        int action,
        const char* first,
        const char* second,
        const char* schema,
        const char* trigger
    );
    [[nodiscard]] bool allows(
        int action, const std::string& first, const std::string& second, bool by_trigger
    ) const;

    Database& database_;
    std::string refused_;
    int value_bytes_before_ = 0;
};

}  // namespace tapline::journal
