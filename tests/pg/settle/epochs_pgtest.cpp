// A journal whose past differs from central's goes on in an epoch of its own, and no pour is lost
// or charged twice.
#include "tests/pg/settle/epochs_room.hpp"

namespace tapline::test {

namespace {

/// The same rows 1 … `through` as `device`, by other hardware or the same.
Device image_of(const Device& device, int through, const std::string& boot_id) {
    Device image;
    image.fingerprint = device.fingerprint;
    image.boot_id = boot_id;
    for (int seq = 1; seq <= through; ++seq) {
        image.add(seq, fmt::format("id-{}", seq));
    }
    image.acked = std::min<Seq>(2, through);
    return image;
}

}  // namespace

TEST_CASE("an older image of a card goes on from the last pour in common") {
    EpochsRoom room;
    auto old_card = room.settled(5);
    auto image = image_of(old_card, 3, "boot-2");
    SECTION("that ends before the cursor") {
        image.add(4, "new-4");
    }
    SECTION("that has grown past it since") {
        for (int seq = 4; seq <= 8; ++seq) {
            image.add(seq, fmt::format("new-{}", seq));
        }
        CHECK(problem(room.send(image)).code == "fork");
    }
    const auto fresh = static_cast<std::int64_t>(image.journal.rows().size()) - 3;
    const auto grant = room.repair(image);
    CHECK(grant.epoch == 2);
    CHECK(grant.cursor == 3);
    CHECK(room.hello(image).empty());
    room.send_rest(image);
    CHECK(room.pours() == 5 + fresh);
    CHECK(room.bar.balance_cents(1) == 10'000 - (5 + fresh) * 45);
    CHECK(room.bar.number("SELECT start_seq FROM tapline.cursor WHERE epoch = 2") == 3);
}

TEST_CASE("the same request gets the same epoch until hello is said in it") {
    EpochsRoom room;
    auto image = image_of(room.settled(5), 3, "boot-2");
    const auto first = room.repair(image);
    image.epoch = 1;
    image.add(4, "new-4");
    // Power was cut before it was written down: another boot, another row.
    image.boot_id = "boot-3";
    const auto second = room.repair(image);
    CHECK(second.epoch == first.epoch);
    CHECK(second.cursor == first.cursor);
    CHECK(room.hello(image).empty());
    image.epoch = 1;
    CHECK(room.repair(image).epoch == first.epoch + 1);
}

TEST_CASE("a device gets an epoch so many times an hour and no more") {
    EpochsRoom room;
    auto image = image_of(room.settled(5), 3, "boot-2");
    for (std::int64_t i = 0; i < fleet::max_grants_per_hour; ++i) {
        room.repair(image);
        CHECK(room.hello(image).empty());
        image.epoch = 1;
    }
    CHECK(room.refusal(image) == "too_many_epochs");
}

TEST_CASE("rows that come again in another epoch stay what they are") {
    EpochsRoom room;
    Device device;
    device.fingerprint = "pi-1";
    device.add(1, "id-1");
    auto without_id = pour(2, "", 100);
    set(without_id, "client_tx_id", {});
    device.journal.add(without_id);
    auto stranger = pour(3, "id-3", 100);
    set(stranger, "card_uid", Text{"0badcafe"});
    device.journal.add(stranger);
    device.add(4, "id-4");
    CHECK(room.hello(device).empty());
    CHECK(room.send_rest(device).quarantined.size() == 2);

    // The card is known now, and the bar has deleted a pour that was paid.
    room.bar.card("0badcafe", 1);
    room.session.run("DELETE FROM pours WHERE client_tx_id = 'id-4'");
    auto request = device.request();
    request.points.clear();
    request.last_common_seq = 0;
    request.hash = RowHash{};
    const auto outcome = fleet::ask_epoch(room.session, "tap-1", device.journal.id(), request);
    const auto grant = std::get<wire::EpochGrant>(outcome);
    CHECK(grant.cursor == 0);
    device.epoch = grant.epoch;
    device.acked = 0;
    CHECK(room.hello(device).empty());
    const auto answer = room.send_rest(device);
    CHECK(answer.quarantined.size() == 2);
    CHECK(room.pours() == 1);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt") == 2);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 2);
    CHECK(room.bar.balance_cents(1) == 10'000 - 2 * 45);
}

TEST_CASE("the same id with other content waits as a conflict") {
    EpochsRoom room;
    auto image = image_of(room.settled(5), 3, "boot-2");
    image.journal.add(pour(4, "id-5", 777));
    room.repair(image);
    CHECK(room.hello(image).empty());
    const auto answer = room.send_rest(image);
    REQUIRE(answer.quarantined.size() == 1);
    CHECK(answer.quarantined[0].code == "conflict");
    CHECK(room.bar.balance_cents(1) == 10'000 - 5 * 45);
}

TEST_CASE("a batch behind the cursor whose rows left no trace isn't acked unseen") {
    EpochsRoom room;
    auto first = room.settled(4);
    // Another journal with the same pours: all of them duplicates, without receipts of its own.
    Device second;
    second.journal = FakeJournal(2);
    second.fingerprint = "pi-2";
    for (int seq = 1; seq <= 4; ++seq) {
        second.add(seq, fmt::format("id-{}", seq));
    }
    CHECK(room.hello(second).empty());
    room.send_rest(second);
    Device clone;
    clone.journal = FakeJournal(2);
    clone.add(1, "id-1");
    clone.add(2, "nobody-has-this");
    CHECK(problem(room.send(clone)).code == "gap");
    CHECK(room.pours() == 4);
}

TEST_CASE("a restored centre knows an epoch again from which it has forgotten the grant") {
    EpochsRoom room;
    auto device = room.settled(5);
    device.epoch = 7;
    CHECK(room.hello(device) == "unknown_epoch");
    const auto grant = room.repair(device);
    CHECK(grant.epoch == 8);
    CHECK(grant.cursor == 5);
    CHECK(room.hello(device).empty());
}

TEST_CASE("an epoch is for the journal's own controller") {
    EpochsRoom room;
    const auto device = room.settled(2);
    const auto asked =
        fleet::ask_epoch(room.session, "tap-2", device.journal.id(), device.request());
    CHECK(std::get<wire::Problem>(asked).code == "not_yours");
    const auto unknown = fleet::ask_epoch(room.session, "tap-1", journal_id(9), device.request());
    CHECK(std::get<wire::Problem>(unknown).code == "unknown_journal");
    auto odd = device.request();
    odd.reason = "because";
    const auto refused = fleet::ask_epoch(room.session, "tap-1", device.journal.id(), odd);
    CHECK(std::get<wire::Problem>(refused).status == 400);
    CHECK(std::get<wire::Problem>(refused).code == "bad_request");
    CHECK(std::get<wire::Problem>(refused).action == "wait");
}

TEST_CASE("a release reaches a journal that has gone two epochs on") {
    EpochsRoom room;
    Device device;
    device.fingerprint = "pi-1";
    auto unknown = pour(1, "id-1", 100);
    set(unknown, "card_uid", Text{"feedbeef"});
    device.journal.add(unknown);
    CHECK(room.hello(device).empty());
    CHECK(room.send_rest(device).quarantined.size() == 1);
    for (int turn = 0; turn < 2; ++turn) {
        room.repair(device);
        CHECK(room.hello(device).empty());
    }
    CHECK(device.epoch == 3);
    room.session.run(
        "INSERT INTO tapline.release (id, journal_id, epoch, seq, outcome)"
        " SELECT 1, journal_id, epoch, seq, 'settled' FROM tapline.quarantine"
    );
    room.session.run("UPDATE tapline.journal SET last_release = 1");
    const auto outcome = fleet::hello(room.session, "tap-1", device.hello());
    REQUIRE(std::holds_alternative<wire::HelloReply>(outcome));
    const auto& released = std::get<wire::HelloReply>(outcome).released;
    REQUIRE(released.size() == 1);
    CHECK(released[0].seq == 1);
    device.add(2, "id-2");
    CHECK(room.send_rest(device).released.size() == 1);
}

}  // namespace tapline::test
