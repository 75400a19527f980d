// What a pour costs the card, counted at the disk: writes, bytes and syncs, of the tap's program
// and of the agent. The figures are SQLite's, so they are the same on every machine;
// bench/README.md has them as a table.
#include <optional>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/disk_use.hpp"
#include "agent/journal/journal.hpp"
#include "tests/faults/shim_vfs.hpp"
#include "tests/sqlite/files.hpp"
#include "tests/support/report.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using journal::disk_use;
using journal::DiskUse;
using journal::Journal;

namespace {

constexpr int pours_before = 2'000;  ///< a tree of some depth, as after a week

DiskUse operator-(const DiskUse& after, const DiskUse& before) {
    return {
        after.writes - before.writes,
        after.written_bytes - before.written_bytes,
        after.syncs - before.syncs};
}

/// Counts everybody's orders, and carries them out at once.
class TallyDisk final : public Disk {
  public:
    explicit TallyDisk(const fs::path& file) : prefix_(file.string()), vfs_(*this) {}

    [[nodiscard]] const DiskUse& all() const noexcept { return all_; }

    [[nodiscard]] bool counts(const char* path) const override {
        const std::string_view name(path);
        return name.starts_with(prefix_) && !name.ends_with("-shm");
    }

    [[nodiscard]] Verdict judge(Operation operation, bool /*grows*/) override {
        all_.writes += operation == Operation::write ? 1 : 0;
        all_.syncs += operation == Operation::sync ? 1 : 0;
        return Verdict::works;
    }

    void written(const std::string& /*path*/, std::int64_t /*offset*/, std::string bytes) override {
        all_.written_bytes += static_cast<std::int64_t>(bytes.size());
    }

  private:
    std::string prefix_;
    DiskUse all_;
    ShimVfs vfs_;
};

struct PerPour {
    double bytes = 0;
    double syncs = 0;
};

/// One journal, the tap's program with a connection that stays, and an agent.
class Bar {
  public:
    explicit Bar(const TempDir& dir) : file_(make(dir)), disk_(file_) {
        journal_ = Journal::open(file_);
        writer_.emplace(file_);
        drain();
        journal_->checkpoint();
        start();
    }

    void start() {
        all_before_ = disk_.all();
        agent_before_ = disk_use();
        pours_ = 0;
    }

    void pour() {
        ++number_;
        ++pours_;
        REQUIRE(writer_->insert(release("gen8").insert, id_of(number_), 250) == SQLITE_OK);
    }

    /// Batches until nothing is left, acks written down.
    void drain() {
        for (;;) {
            const auto identity = journal_->identity();
            const auto batch =
                journal_->next_batch(identity.acked_through, identity.acked_hash, {});
            if (!batch) {
                return;
            }
            journal::AckRecord ack;
            ack.first_seq = batch->first_seq;
            ack.acked_through = batch->last_seq;
            ack.hash = batch->hash;
            journal_->record_ack(ack);
        }
    }

    Journal& journal() { return *journal_; }

    [[nodiscard]] DiskUse agents() const { return disk_use() - agent_before_; }

    [[nodiscard]] DiskUse all() const { return disk_.all() - all_before_; }

    [[nodiscard]] PerPour agents_per_pour() const {
        return {
            static_cast<double>(agents().written_bytes) / pours_,
            static_cast<double>(agents().syncs) / pours_};
    }

    [[nodiscard]] PerPour writers_per_pour() const {
        const auto theirs = all() - agents();
        return {
            static_cast<double>(theirs.written_bytes) / pours_,
            static_cast<double>(theirs.syncs) / pours_};
    }

  private:
    static fs::path make(const TempDir& dir) {
        auto file = dir / "local_journal.db";
        make_journal(file, "gen8", 0);
        static_cast<void>(journal::adopt(file));
        Plain writer(file);
        writer.exec("BEGIN");
        for (int number = 1; number <= pours_before; ++number) {
            REQUIRE(writer.insert(release("gen8").insert, id_of(number), 250) == SQLITE_OK);
        }
        writer.exec("COMMIT");
        return file;
    }

    fs::path file_;
    TallyDisk disk_;
    std::optional<Plain> writer_;
    std::unique_ptr<Journal> journal_;
    DiskUse all_before_;
    DiskUse agent_before_;
    int number_ = pours_before;
    int pours_ = 0;
};

void tell(const std::string& what, const PerPour& writer, const PerPour& agent) {
    report(fmt::format(
        "wear, {}: writer {:.1f} KB and {:.2f} syncs a pour, agent {:.1f} KB and {:.2f}",
        what,
        writer.bytes / 1'000,
        writer.syncs,
        agent.bytes / 1'000,
        agent.syncs
    ));
}

}  // namespace

TEST_CASE("an agent that has nothing to do writes nothing and syncs nothing") {
    const TempDir dir;
    Bar bar(dir);
    const auto prunable = bar.journal().identity().prunable_through;
    wire::Boot boot;
    boot.boot_id = "7f0d1d5e-0000-4000-8000-000000000001";
    boot.first_seq = 1;
    bar.journal().note_clock(boot);
    bar.journal().checkpoint();
    bar.start();
    // An hour: four looks a second, a hello a minute.
    for (int look = 0; look < 4 * 3'600; ++look) {
        static_cast<void>(bar.journal().data_version());
    }
    for (int hello = 0; hello < 60; ++hello) {
        const auto identity = bar.journal().identity();
        static_cast<void>(bar.journal().counts());
        static_cast<void>(bar.journal().hash_at(identity.acked_through));
        static_cast<void>(bar.journal().next_batch(identity.acked_through, identity.acked_hash, {})
        );
        bar.journal().note_clock(boot);
        bar.journal().mark_held(1'000'000, 500);
        bar.journal().heal_settled();
    }
    CHECK(bar.journal().identity().prunable_through == prunable);
    CHECK(bar.agents().writes == 0);
    CHECK(bar.agents().syncs == 0);
    CHECK(bar.all().writes == 0);
    CHECK(bar.all().syncs == 0);
}

TEST_CASE("what the agent says of its writes and syncs is what the disk saw") {
    const TempDir dir;
    Bar bar(dir);
    const DiskUse before = disk_use();
    bar.start();
    // No writer: all is the agent's. Marks, a cursor that moves, a checkpoint.
    bar.journal().move_cursor(10, *bar.journal().hash_at(10));
    bar.drain();
    bar.journal().checkpoint();
    const DiskUse ours = disk_use() - before;
    CHECK(ours.writes == bar.all().writes);
    CHECK(ours.written_bytes == bar.all().written_bytes);
    CHECK(ours.syncs == bar.all().syncs);
    CHECK(ours.writes > 0);
    CHECK(ours.syncs > 0);
}

TEST_CASE("a pour now and then costs the card no more than it does today") {
    const TempDir dir;
    Bar bar(dir);
    constexpr int pours = 100;
    for (int pour = 0; pour < pours; ++pour) {
        bar.pour();
        bar.drain();
        REQUIRE(bar.journal().checkpoint() == 0);
    }
    const auto agent = bar.agents_per_pour();
    tell("a pour now and then", bar.writers_per_pour(), agent);
    CHECK(agent.bytes <= 33'000);
    CHECK(agent.syncs <= 2);
}

TEST_CASE("a full bar costs the card no more than it does today") {
    const TempDir dir;
    Bar bar(dir);
    constexpr int pours = 400;
    std::int64_t checkpoints = 0;
    for (int pour = 0; pour < pours; ++pour) {
        bar.pour();
        bar.drain();
        if (bar.journal().counts().wal_pages > 250) {
            REQUIRE(bar.journal().checkpoint() == 0);
            ++checkpoints;
        }
    }
    REQUIRE(checkpoints > 3);
    const auto agent = bar.agents_per_pour();
    tell("a full bar", bar.writers_per_pour(), agent);
    CHECK(agent.bytes <= 16'500);
    CHECK(agent.syncs <= 0.06);
}

TEST_CASE("a backlog costs the card little more than its rows when it drains") {
    const TempDir dir;
    Bar bar(dir);
    constexpr int pours = 2'000;
    for (int pour = 0; pour < pours; ++pour) {
        bar.pour();
    }
    bar.journal().checkpoint();
    const auto before = disk_use();
    bar.drain();
    bar.journal().checkpoint();
    const auto used = disk_use() - before;
    const auto bytes = static_cast<double>(used.written_bytes) / pours;
    report(fmt::format(
        "wear, draining {} pours: agent {:.2f} KB a pour, {} syncs in all",
        pours,
        bytes / 1'000,
        used.syncs
    ));
    CHECK(bytes <= 500);
    CHECK(used.syncs <= 3);
}
