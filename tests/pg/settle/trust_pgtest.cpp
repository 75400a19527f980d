// Codes, certificates and devices in a real database.
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "central/fleet/admission.hpp"
#include "central/fleet/controllers.hpp"
#include "central/fleet/enrollment.hpp"
#include "central/fleet/retire.hpp"
#include "common/error.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

using namespace std::chrono_literals;

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    fleet::Issuer issuer{
        trust::make_authority(pki::Key::generate(), SystemClock().now_utc()), "roots", 90h, 90h};

    std::string code(const std::string& name, const std::vector<std::int64_t>& taps = {}) {
        return fleet::invite(session, name, taps, 1h, "tester").code;
    }

    fleet::EnrollOutcome enroll(pg::Session& on, const std::string& code, const pki::Key& key) {
        wire::EnrollRequest request;
        request.code = code;
        request.csr = pki::Request::make(key);
        return fleet::enroll(on, issuer, request, "10.0.0.7");
    }

    fleet::Caller enrolled(const std::string& name, const pki::Key& key) {
        const auto outcome = enroll(session, code(name), key);
        REQUIRE(std::holds_alternative<wire::Enrolled>(outcome));
        return caller(pki::Certificate::from_pem(std::get<wire::Enrolled>(outcome).certificate));
    }

    /// A certificate of ours that this database knows nothing of.
    fleet::Caller unknown(const std::string& name, const pki::Key& key) {
        const auto request = pki::Request::from_pem(pki::Request::make(key));
        return caller(
            trust::issue_client(issuer.authority, request, name, SystemClock().now_utc(), 50h)
        );
    }

    static fleet::Caller caller(const pki::Certificate& certificate) {
        fleet::Caller made;
        made.name = certificate.common_name();
        made.serial = certificate.serial();
        made.fingerprint = certificate.fingerprint();
        made.key_hash = certificate.public_hash();
        made.not_after = certificate.not_after();
        return made;
    }

    fleet::Standing standing(const fleet::Caller& who) { return fleet::admit(session, who); }
};

std::string code_of(const fleet::EnrollOutcome& outcome) {
    const auto* problem = std::get_if<wire::Problem>(&outcome);
    return problem == nullptr ? "enrolled" : problem->code;
}

}  // namespace

TEST_CASE("of two devices that race for one code one gets in") {
    Room room;
    for (int round = 0; round < 5; ++round) {
        const std::string code = room.code("bar-" + std::to_string(round));
        std::atomic<int> in{0};
        std::atomic<int> used{0};
        const auto race = [&] {
            pg::Session session = room.database.connect();
            const auto outcome = room.enroll(session, code, pki::Key::generate());
            in += code_of(outcome) == "enrolled" ? 1 : 0;
            used += code_of(outcome) == "code_used" ? 1 : 0;
        };
        std::thread other(race);
        race();
        other.join();
        CHECK(in == 1);
        CHECK(used == 1);
    }
    CHECK(room.bar.number("SELECT count(*) FROM tapline.certificate WHERE state = 'valid'") == 5);
}

TEST_CASE("enrolling a name again puts the new key in the old one's place") {
    Room room;
    const auto first = room.enrolled("bar-3", pki::Key::generate());
    CHECK(room.standing(first) == fleet::Standing::enrolled);
    const std::string code = room.code("bar-3", {3, 4});
    CHECK(room.standing(first) == fleet::Standing::enrolled);  // not before the code is used
    const auto outcome = room.enroll(room.session, code, pki::Key::generate());
    REQUIRE(code_of(outcome) == "enrolled");
    CHECK(std::get<wire::Enrolled>(outcome).taps == std::vector<std::int64_t>{3, 4});
    CHECK(room.standing(first) == fleet::Standing::revoked);
}

TEST_CASE("a code and its database row have nothing in common but a hash") {
    Room room;
    const std::string code = room.code("bar-3");
    const auto row = room.bar.text("SELECT e::text FROM tapline.enrollment e");
    CHECK(row.find(code) == std::string::npos);
    CHECK(row.find(code.substr(8)) == std::string::npos);
    CHECK(code_of(room.enroll(room.session, "", pki::Key::generate())) == "code_wrong");
    CHECK(
        code_of(room.enroll(room.session, code.substr(0, 8), pki::Key::generate())) == "code_wrong"
    );
    CHECK(room.bar.number("SELECT attempts FROM tapline.enrollment") == 1);
}

TEST_CASE("a certificate that a backup lacks is never turned away, nor believed too far") {
    Room room;
    const auto key = pki::Key::generate();
    const auto known = room.enrolled("bar-3", key);
    // Renewed after the backup: the key is known.
    CHECK(room.standing(room.unknown("bar-3", key)) == fleet::Standing::enrolled);
    // Another key under the same name, and a name that nobody knows.
    const auto stranger = room.unknown("bar-3", pki::Key::generate());
    CHECK(room.standing(stranger) == fleet::Standing::pending);
    const auto newcomer = room.unknown("bar-9", pki::Key::generate());
    CHECK(room.standing(newcomer) == fleet::Standing::pending);
    CHECK(room.standing(newcomer) == fleet::Standing::pending);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.certificate WHERE state = 'pending'") == 2);
    CHECK(room.standing(known) == fleet::Standing::enrolled);
    fleet::approve(room.session, "bar-9", "tester");
    CHECK(room.standing(newcomer) == fleet::Standing::enrolled);
    CHECK(room.standing(stranger) == fleet::Standing::pending);
    CHECK_THROWS_AS(fleet::approve(room.session, "bar-9", "tester"), Error);
}

TEST_CASE("revoking shuts out every certificate of a controller, also those not seen yet") {
    Room room;
    const auto key = pki::Key::generate();
    const auto known = room.enrolled("bar-3", key);
    const std::string open = room.code("bar-3");
    CHECK(fleet::revoke(room.session, "bar-3", "stolen", "tester"));
    const std::string code = room.code("bar-3");
    CHECK_FALSE(fleet::revoke(room.session, "bar-3", "again", "tester"));
    CHECK(room.bar.text("SELECT status_reason FROM tapline.controller") == "stolen");
    CHECK(code_of(room.enroll(room.session, code, pki::Key::generate())) == "code_expired");
    CHECK(room.standing(known) == fleet::Standing::revoked);
    CHECK(room.standing(room.unknown("bar-3", key)) == fleet::Standing::revoked);
    CHECK(room.standing(room.unknown("bar-3", pki::Key::generate())) == fleet::Standing::revoked);
    CHECK(code_of(room.enroll(room.session, open, pki::Key::generate())) == "code_expired");
    wire::RenewRequest request;
    request.csr = pki::Request::make(key);
    CHECK(code_of(fleet::renew(room.session, room.issuer, known, request)) == "revoked");
    CHECK_THROWS_AS(fleet::approve(room.session, "bar-3", "tester"), Error);
    CHECK_THROWS_AS(fleet::revoke(room.session, "nobody", "x", "tester"), Error);
    // The way back is a new code, and a new key.
    const auto back = room.enrolled("bar-3", pki::Key::generate());
    CHECK(room.standing(back) == fleet::Standing::enrolled);
    CHECK(room.standing(known) == fleet::Standing::revoked);
    CHECK(
        room.bar.number("SELECT count(*) FROM tapline.controller_event WHERE "
                        "action = 'revoked' AND who = 'tester' AND detail = 'stolen'") == 1
    );
}

TEST_CASE("a retired device is still heard, and its name is never given to another") {
    Room room;
    const auto key = pki::Key::generate();
    const auto known = room.enrolled("bar-3", key);
    const std::string open = room.code("bar-3");
    fleet::retire(room.session, "bar-3", "drowned", "tester");
    CHECK(room.standing(known) == fleet::Standing::enrolled);
    wire::RenewRequest request;
    request.csr = pki::Request::make(key);
    CHECK(code_of(fleet::renew(room.session, room.issuer, known, request)) == "enrolled");
    CHECK(code_of(room.enroll(room.session, open, pki::Key::generate())) == "code_expired");
    CHECK_THROWS_AS(room.code("bar-3"), Error);
    CHECK_THROWS_AS(fleet::approve(room.session, "bar-3", "tester"), Error);
    // A key that this database doesn't know waits for an operator, as ever.
    CHECK(room.standing(room.unknown("bar-3", pki::Key::generate())) == fleet::Standing::pending);
    CHECK(fleet::revoke(room.session, "bar-3", "stolen after all", "tester"));
    CHECK(
        room.bar.text("SELECT status || status_reason FROM tapline.controller") == "retireddrowned"
    );
    CHECK(room.standing(known) == fleet::Standing::revoked);
    CHECK_THROWS_AS(room.code("bar-3"), Error);
    CHECK_THROWS_AS(fleet::retire(room.session, "bar-3", "x", "tester"), Error);
}

TEST_CASE("a renewal keeps the key, both certificates count, and the grace time has an end") {
    Room room;
    const auto key = pki::Key::generate();
    const auto known = room.enrolled("bar-3", key);
    wire::RenewRequest request;
    request.csr = pki::Request::make(key);
    const auto outcome = fleet::renew(room.session, room.issuer, known, request);
    REQUIRE(code_of(outcome) == "enrolled");
    const auto next =
        Room::caller(pki::Certificate::from_pem(std::get<wire::Enrolled>(outcome).certificate));
    CHECK(room.standing(next) == fleet::Standing::enrolled);
    CHECK(room.standing(known) == fleet::Standing::enrolled);  // the answer may have been lost
    auto late = known;
    late.not_after = SystemClock().now_utc() - 91h;
    CHECK(code_of(fleet::renew(room.session, room.issuer, late, request)) == "grace_over");
    late.not_after = SystemClock().now_utc() - 89h;
    CHECK(code_of(fleet::renew(room.session, room.issuer, late, request)) == "enrolled");
    request.csr = pki::Request::make(pki::Key::generate());
    CHECK(code_of(fleet::renew(room.session, room.issuer, known, request)) == "not_same_key");
    request.csr = "nonsense";
    CHECK(code_of(fleet::renew(room.session, room.issuer, known, request)) == "bad_request");
}

TEST_CASE("a pour for a tap that isn't on its controller's list waits; without a list all settle") {
    Room room;
    furnish(room.bar);
    room.bar.keg(2, 50'000, 45'000);
    room.bar.tap(2, 2);
    FakeJournal journal(1);
    journal.add(pour(1, "a", 100));
    auto foreign = pour(2, "b", 200);
    set(foreign, "tap_id", std::int64_t{2});
    journal.add(foreign);
    FakeJournal free_journal(2, "tap-9");
    auto other = pour(1, "c", 300);
    set(other, "tap_id", std::int64_t{2});
    free_journal.add(other);
    journal.hello(room.session);
    free_journal.hello(room.session);
    fleet::set_taps(room.session, "tap-1", {1, 7}, "tester");
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    const auto answer = ack(send(settler, "tap-1", journal.all()));
    REQUIRE(answer.quarantined.size() == 1);
    CHECK(answer.quarantined[0].seq == 2);
    CHECK(answer.quarantined[0].code == "tap_not_yours");
    CHECK(ack(send(settler, "tap-9", free_journal.all())).quarantined.empty());
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 2);
    CHECK(room.bar.keg_volume_ml(1) == 50'000 - 100);
    CHECK(room.bar.keg_volume_ml(2) == 50'000 - 300);
}

TEST_CASE("names and lists of taps have limits") {
    Room room;
    for (const auto* name : {"", "bar 3", "bar/3", "b\xc3\xa4r"}) {
        CHECK_THROWS_AS(room.code(name), Error);
    }
    CHECK_THROWS_AS(room.code(std::string(65, 'x')), Error);
    CHECK_NOTHROW(room.code(std::string(64, 'x')));
    CHECK_THROWS_AS(room.code("many", std::vector<std::int64_t>(501, 1)), Error);
    room.session.run("UPDATE tapline.controller SET status = 'retired'");
    CHECK_THROWS_AS(room.code(std::string(64, 'x')), Error);
    CHECK(fleet::list_controllers(room.session).size() == 1);
}

}  // namespace tapline::test
