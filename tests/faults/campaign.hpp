// What the tests of faults share: the centre and the tap's program as the agent meets them, and a
// path driven through each operation of the disk.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "agent/journal/journal.hpp"
#include "tests/faults/faulty_disk.hpp"
#include "tests/sqlite/files.hpp"

namespace tapline::test {

/// Central as the agent sees it: a cursor, and each pour once.
struct Centre {
    Seq cursor = 0;
    RowHash hash{};
    std::multiset<std::string> ids;

    void take(const wire::Batch& batch);
};

/// The tap's program: FULL, as Debian's SQLite has it. Remembers what COMMIT has promised.
class Writer {
  public:
    Writer(const std::filesystem::path& file, std::set<std::string>& promised);

    void pour(int number);
    /// False when the disk didn't take it.
    bool mark(int number, const std::string& status);

  private:
    std::optional<Plain> plain_;
    std::set<std::string>& promised_;
};

/// Hello: central's cursor counts, forward or back, where the chains are the same.
void agree(journal::Journal& journal, const Centre& centre);
/// Batch by batch until nothing is left.
void drain(journal::Journal& journal, Centre& centre);

void check_sound(const std::filesystem::path& file);
[[nodiscard]] std::set<std::string> ids_in(const std::filesystem::path& file);
void check_kept(const std::filesystem::path& file, const std::set<std::string>& promised);

struct Campaign {
    int stride = 1;               ///< every so many operations, each fault beginning elsewhere
    std::function<void()> begin;  ///< a fresh file
    std::function<void()> path;
    std::function<void()> check;  ///< with a disk that works again
};

/// With TAPLINE_LONG every operation, else every `stride`-th.
[[nodiscard]] int stride_of(int stride);

/// The n-th operation for n = 1, 1 + stride, … until the path is through without having met it.
/// Prints how many points that were.
void every_operation(FaultyDisk& disk, const std::string& name, const Campaign& campaign);

}  // namespace tapline::test
