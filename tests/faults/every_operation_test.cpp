// What the agent does to a journal, with each operation of the disk failing once. After every
// fault: the file is sound, no pour whose COMMIT the writer saw is missing, central has none twice,
// and the next start is like any other.
#include <optional>
#include <set>

#include <catch2/catch.hpp>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "agent/salvage/salvage.hpp"
#include "tests/faults/campaign.hpp"
#include "tests/sqlite/damage.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

constexpr int pours_before = 12;
/// An adoption takes a second or so: every so many operations, each fault beginning elsewhere. With
/// TAPLINE_LONG every one.
constexpr int adoption_stride = 12;
constexpr int salvage_stride = 7;

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
    campaign.stride = stride_of(adoption_stride);
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
    campaign.stride = stride_of(salvage_stride);
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
