// How far journals may be pruned follows the backups that were verified.
#include "central/fleet/backups.hpp"
#include "tests/pg/settle/epochs_room.hpp"

namespace tapline::test {

namespace {

std::int64_t prunable(EpochsRoom& room) {
    return room.bar.number("SELECT max(prunable_through) FROM tapline.cursor");
}

}  // namespace

TEST_CASE("a verified backup moves what may be pruned to the cursor of its beginning") {
    EpochsRoom room;
    auto device = room.settled(3);
    const auto early = fleet::begin_backup(room.session, "nightly", "anna");
    CHECK(early.journals == 1);
    device.add(4, "id-4");
    room.send_rest(device);
    CHECK(prunable(room) == 0);
    const auto late = fleet::begin_backup(room.session, "", "anna");
    CHECK(late.id != early.id);
    CHECK(fleet::mark_backup_verified(room.session, early.id, "bert") == 1);
    CHECK(prunable(room) == 3);
    CHECK(fleet::mark_backup_verified(room.session, late.id, "bert") == 1);
    CHECK(prunable(room) == 4);
    // An older backup that is verified later takes nothing back.
    CHECK(fleet::mark_backup_verified(room.session, early.id, "bert") == 0);
    CHECK(prunable(room) == 4);
    const auto reply =
        std::get<wire::HelloReply>(fleet::hello(room.session, "tap-1", device.hello()));
    CHECK(reply.prunable_through == 4);
    CHECK(fleet::list_backups(room.session).size() == 2);
}

TEST_CASE("a cursor that a restore took back isn't pruned past") {
    EpochsRoom room;
    auto device = room.settled(3);
    const auto begun = fleet::begin_backup(room.session, "", "anna");
    room.session.run("UPDATE tapline.cursor SET cursor = 2");
    CHECK(fleet::mark_backup_verified(room.session, begun.id, "bert") == 1);
    CHECK(prunable(room) == 2);
}

TEST_CASE("a backup that nobody began can't be verified") {
    EpochsRoom room;
    CHECK_THROWS_WITH(
        fleet::mark_backup_verified(room.session, "20261120T000000-12345678", "bert"),
        Catch::Contains("no backup")
    );
}

}  // namespace tapline::test
