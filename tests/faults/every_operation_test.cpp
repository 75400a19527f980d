// What the agent does to a journal, with each operation of the disk failing once. After every
// fault: the file is sound, no pour whose COMMIT the writer saw is missing, central has none twice,
// and the next start is like any other.
#include <array>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "agent/salvage/salvage.hpp"
#include "common/error.hpp"
#include "tests/faults/faulty_disk.hpp"
#include "tests/sqlite/damage.hpp"
#include "tests/sqlite/files.hpp"
#include "tests/support/report.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

constexpr int pours_before = 12;
constexpr int most_operations = 4'000;  ///< a path that never gets through is a bug of its own
constexpr std::array faults{
    Fault::io_error_once, Fault::io_error_from, Fault::full_from, Fault::power_cut};
/// An adoption takes a second or so: every so many operations, each fault beginning elsewhere. With
/// TAPLINE_LONG every one.
constexpr int adoption_stride = 12;
constexpr int salvage_stride = 7;

std::string text_of(const RawPour& pour, std::string_view column) {
    const auto* value = pour.find(column);
    const auto* text = value == nullptr ? nullptr : std::get_if<Text>(value);
    return text == nullptr ? std::string() : text->bytes;
}

/// Central as the agent sees it: a cursor, and each pour once.
struct Centre {
    Seq cursor = 0;
    RowHash hash{};
    std::multiset<std::string> ids;

    void take(const wire::Batch& batch) {
        REQUIRE(batch.first_seq <= cursor + 1);
        for (const auto& row : batch.rows) {
            if (row.seq > cursor) {
                ids.insert(text_of(row, "client_tx_id"));
            }
        }
        cursor = std::max(cursor, batch.last_seq);
        hash = batch.hash;
    }
};

/// The tap's program: FULL, as Debian's SQLite has it. Remembers what COMMIT has promised.
class Writer {
  public:
    Writer(const fs::path& file, std::set<std::string>& promised) : promised_(promised) {
        try {
            plain_.emplace(file);
        } catch (const std::runtime_error&) {  // its card fails, too: it pours nothing
        }
    }

    void pour(int number) {
        if (plain_ && plain_->insert(release("gen8").insert, id_of(number), 250) == 0) {
            promised_.insert(id_of(number));
        }
    }

  private:
    std::optional<Plain> plain_;
    std::set<std::string>& promised_;
};

/// Hello: central's cursor counts, forward or back, where the chains are the same.
void agree(journal::Journal& journal, const Centre& centre) {
    const auto ours =
        centre.cursor == 0 ? std::optional(RowHash{}) : journal.hash_at(centre.cursor);
    REQUIRE(ours);
    REQUIRE(*ours == centre.hash);
    if (journal.identity().acked_through != centre.cursor) {
        journal.move_cursor(centre.cursor, centre.hash);
    }
}

/// Batch by batch until nothing is left.
void drain(journal::Journal& journal, Centre& centre) {
    journal::BatchLimits limits;
    limits.rows = 4;
    for (int batches = 0; batches < 100; ++batches) {
        const auto identity = journal.identity();
        const auto batch = journal.next_batch(identity.acked_through, identity.acked_hash, limits);
        if (!batch) {
            return;
        }
        centre.take(*batch);
        journal::AckRecord ack;
        ack.first_seq = batch->first_seq;
        ack.acked_through = batch->last_seq;
        ack.hash = batch->hash;
        ack.quarantined = {batch->rows.front().seq};
        ack.prunable_through = batch->first_seq;
        journal.record_ack(ack);
    }
    FAIL("the journal never gets empty");
}

/// Everything that a running agent does to its journal, beside a writer.
void work(const fs::path& file, Centre& centre, std::set<std::string>& promised) {
    const auto journal = journal::Journal::open(file);
    agree(*journal, centre);
    Writer writer(file, promised);
    writer.pour(101);
    wire::Boot boot;
    boot.boot_id = "7f0d1d5e-0000-4000-8000-000000000001";
    boot.first_seq = journal->counts().max_seq + 1;
    journal->note_clock(boot);
    journal->mark_held(1'000, 5);
    drain(*journal, centre);
    journal->checkpoint();
    writer.pour(102);
    writer.pour(103);
    journal->mark_held(1'000, 5);
    drain(*journal, centre);
    journal->checkpoint();
}

void check_sound(const fs::path& file) {
    Plain plain(file);
    REQUIRE(plain.one("PRAGMA integrity_check") == "ok");
}

std::set<std::string> ids_in(const fs::path& file) {
    const auto found = Plain(file).rows("SELECT client_tx_id FROM pours");
    return {found.begin(), found.end()};
}

void check_kept(const fs::path& file, const std::set<std::string>& promised) {
    const auto there = ids_in(file);
    for (const auto& id : promised) {
        INFO("pour " << id);
        REQUIRE(there.contains(id));
    }
}

using Path = std::function<void()>;

/// Runs `path` once; true when it got to its end. An error of ours is what a fault may give.
bool runs_through(const Path& path) {
    try {
        path();
        return true;
    } catch (const Error& failure) {
        REQUIRE(failure.kind() != ErrorKind::bug);
        REQUIRE_FALSE(failure.hint().empty());
        return false;
    }
}

struct Campaign {
    int stride = 1;
    std::function<void()> begin;  ///< a fresh file
    Path path;
    std::function<void()> check;  ///< with a disk that works again
};

/// The n-th operation for n = 1, 1 + stride, … until the path is through without having met it.
void every_operation(FaultyDisk& disk, const std::string& name, const Campaign& campaign) {
    for (const auto fault : faults) {
        int n = 1 + static_cast<int>(fault) % campaign.stride;
        int points = 0;
        for (;; n += campaign.stride, ++points) {
            REQUIRE(n < most_operations);
            INFO(name << ", " << name_of(fault) << " at operation " << n);
            campaign.begin();
            disk.arm(fault, n, static_cast<std::uint32_t>(n));
            const bool through = runs_through(campaign.path);
            const bool reached = disk.reached();
            if (fault == Fault::power_cut && reached) {
                disk.power_up();
            }
            disk.disarm();
            REQUIRE((through || reached));
            campaign.check();
            if (!reached) {
                break;
            }
        }
        report(fmt::format("{}: {}: {} fault points, all hold", name, name_of(fault), points));
    }
}

}  // namespace

TEST_CASE("sending, marking and checkpointing survive a fault at each operation of the disk") {
    const TempDir dir;
    const auto template_file = dir / "template.db";
    make_journal(template_file, "gen8", pours_before);
    static_cast<void>(journal::adopt(template_file, {}));
    const auto file = dir / "local_journal.db";
    std::set<std::string> promised;
    Centre centre;
    FaultyDisk disk(file);
    Campaign campaign;
    campaign.begin = [&] {
        for (const auto* suffix : {"", "-wal"}) {
            fs::remove(file.string() + suffix);
        }
        fs::remove(file.string() + "-shm");
        {
            Plain source(template_file);
            source.exec("VACUUM INTO '" + file.string() + "'");
        }
        Plain(file).exec("PRAGMA journal_mode=WAL");
        promised = ids_in(file);
        centre = {};
    };
    campaign.path = [&] { work(file, centre, promised); };
    campaign.check = [&] {
        check_sound(file);
        check_kept(file, promised);
        {
            const auto journal = journal::Journal::open(file);
            agree(*journal, centre);
            drain(*journal, centre);
            journal->checkpoint();
            REQUIRE(journal->counts().depth == 0);
        }
        check_sound(file);
        for (const auto& id : ids_in(file)) {
            INFO("pour " << id);
            REQUIRE(centre.ids.count(id) == 1);
        }
        REQUIRE(Plain(file).one("SELECT count(*) FROM pours WHERE status = 'new'") == "0");
    };
    every_operation(disk, "send, mark, checkpoint", campaign);
}

TEST_CASE("adopting survives faults all over its operations of the disk") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::set<std::string> promised;
    FaultyDisk disk(file);
    Campaign campaign;
    campaign.stride = std::getenv("TAPLINE_LONG") == nullptr ? adoption_stride : 1;
    campaign.begin = [&] {
        for (const auto& entry : fs::directory_iterator(dir.path())) {
            fs::remove(entry.path());
        }
        make_journal(file, "gen5", pours_before);
        promised = ids_in(file);
    };
    campaign.path = [&] { static_cast<void>(journal::adopt(file, {})); };
    campaign.check = [&] {
        check_sound(file);
        check_kept(file, promised);
        // Whatever the fault left: the next try goes through, and what it left isn't in the way.
        REQUIRE(journal::adopt(file, {}).head == "j0001");
        check_sound(file);
        REQUIRE(ids_in(file) == promised);
        Centre centre;
        const auto journal = journal::Journal::open(file);
        drain(*journal, centre);
        REQUIRE(centre.ids == std::multiset<std::string>(promised.begin(), promised.end()));
    };
    every_operation(disk, "adopt", campaign);
}

TEST_CASE("pruning survives a fault at each operation of the disk") {
    const TempDir dir;
    const auto template_file = dir / "template.db";
    make_journal(template_file, "gen8", 40);
    static_cast<void>(journal::adopt(template_file, {}));
    {
        Centre centre;
        const auto journal = journal::Journal::open(template_file);
        drain(*journal, centre);
        journal->note_prunable(30);
    }
    const auto file = dir / "local_journal.db";
    const auto all = ids_in(template_file);
    FaultyDisk disk(file);
    journal::PruneOrder order;
    order.rows = 10;
    order.at_least = 1;
    const auto prune = [&] {
        const auto journal = journal::Journal::open(file);
        for (int part = 0; journal->prune(order).more; ++part) {
            REQUIRE(part < 10);
        }
        journal->checkpoint();
    };
    Campaign campaign;
    campaign.begin = [&] {
        for (const auto* suffix : {"", "-wal", "-shm", ".tapline.ages"}) {
            fs::remove(file.string() + suffix);
        }
        Plain(template_file).exec("VACUUM INTO '" + file.string() + "'");
        Plain(file).exec("PRAGMA journal_mode=WAL");
    };
    campaign.path = prune;
    campaign.check = [&] {
        check_sound(file);
        const auto through = Plain(file).one("SELECT pruned_through FROM tapline_journal");
        REQUIRE((through == "0" || through == "10" || through == "20" || through == "30"));
        REQUIRE(
            Plain(file).one("SELECT min(seq) FROM pours") == std::to_string(std::stoi(through) + 1)
        );
        REQUIRE(ids_in(file).size() == all.size() - std::stoul(through));
        prune();
        check_sound(file);
        REQUIRE(Plain(file).one("SELECT min(seq) || ' ' || count(*) FROM pours") == "31 10");
    };
    every_operation(disk, "prune", campaign);
}

TEST_CASE("salvaging survives faults all over its operations of the disk") {
    const TempDir dir;
    const auto damaged = dir / "damaged.db";
    make_known_journal(damaged, {120, 40, 20});
    const auto map = map_pages(damaged);
    const auto lost = std::prev(map.rows.end(), 2);
    zero_page(damaged, map, lost->first);
    const auto expected = expect(map, {120, 40, 20}, {lost->first});
    const auto file = dir / "local_journal.db";
    FaultyDisk disk(file);
    Campaign campaign;
    campaign.stride = std::getenv("TAPLINE_LONG") == nullptr ? salvage_stride : 1;
    campaign.begin = [&] {
        for (const auto& entry : fs::directory_iterator(dir.path())) {
            if (entry.path().filename().string().find("local_journal") != std::string::npos) {
                fs::remove_all(entry.path());
            }
        }
        fs::copy_file(damaged, file);
    };
    campaign.path = [&] { static_cast<void>(salvage::salvage(file)); };
    campaign.check = [&] {
        // The old one, with all that it had, or the new one.
        salvage::SalvageOptions look;
        look.dry_run = true;
        const auto found = salvage::salvage(file, look);
        REQUIRE((!found.damaged || found.whole == std::ssize(expected.whole)));
        static_cast<void>(salvage::salvage(file));
        check_sound(file);
        const auto whole = Plain(file).one(
            "SELECT count(*) FROM pours WHERE seq NOT IN (SELECT seq FROM tapline_salvage)"
        );
        REQUIRE(whole == std::to_string(expected.whole.size()));
        const auto journal = journal::Journal::open(file);
        REQUIRE(journal->identity().salvaged);
        REQUIRE(journal->identity().acked_through == expected.settled);
    };
    every_operation(disk, "salvage", campaign);
}
