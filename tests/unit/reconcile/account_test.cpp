#include "central/reconcile/account.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace tapline::reconcile {

namespace {

using Kind = Cause::Kind;

std::string at(int second) {
    return fmt::format("2026-11-20T18:00:{:02}.000000Z", second);
}

Update update(int began, int changed, std::int64_t old_value, std::int64_t new_value) {
    Update made;
    made.change_id = changed;
    made.began_at = at(began);
    made.changed_at = at(changed);
    made.old_value = old_value;
    made.new_value = new_value;
    return made;
}

Document document(int second, std::int64_t effect) {
    return {fmt::format("document {}", second), effect > 0 ? "top-up" : "pour", at(second), effect};
}

ReceiptLine receipt(int second, std::int64_t value) {
    return {fmt::format("pour {}", second), "journal", 1, second, at(second), value};
}

/// The sums that the trail makes, and a balance that follows from what was done to it.
Account account_of(const Trail& trail, std::int64_t opening, std::int64_t actual) {
    Account account;
    account.opening = opening;
    account.opened_at = at(0);
    for (const auto& one : trail.documents) {
        (one.effect > 0 ? account.top_ups : account.own_pours) += std::abs(one.effect);
    }
    for (const auto& one : trail.receipts) {
        account.receipts += one.value;
    }
    account.actual = actual;
    return account;
}

std::int64_t sum_of(const std::vector<Cause>& causes) {
    std::int64_t sum = 0;
    for (const auto& cause : causes) {
        sum += cause.amount;
    }
    return sum;
}

}  // namespace

TEST_CASE("a balance that is opening + top-ups - receipts - own pours has no difference") {
    Trail trail;
    trail.updates = {update(2, 2, 9'500, 14'500), update(5, 5, 14'000, 13'900)};
    trail.documents = {document(2, 5'000), document(5, -100)};
    trail.receipts = {receipt(1, 500), receipt(4, 500)};
    const auto account = account_of(trail, 10'000, 13'900);
    CHECK(account.balanced());
    CHECK(explain(account, trail).empty());
}

TEST_CASE("a balance written from an old reading names the receipts that it took back") {
    Trail trail;
    trail.receipts = {receipt(1, 300), receipt(3, 450), receipt(4, 50)};
    // Read 97.00 before the second receipt, charged 1.00 of its own, wrote 96.00 over 92.00.
    trail.updates = {update(2, 5, 9'200, 9'600)};
    trail.documents = {document(2, -100)};
    const auto account = account_of(trail, 10'000, 9'600);
    CHECK(account.difference() == 500);
    const auto causes = explain(account, trail);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].kind == Kind::overwrote);
    CHECK(causes[0].amount == 500);
    REQUIRE(causes[0].receipts.size() == 2);
    CHECK(causes[0].receipts[0].pour_id == "pour 3");
    CHECK(causes[0].receipts[1].pour_id == "pour 4");
}

TEST_CASE("a correction by hand is named with the receipts since the update before") {
    Trail trail;
    trail.receipts = {receipt(1, 300), receipt(4, 450)};
    trail.updates = {update(2, 2, 9'700, 10'700), update(5, 5, 10'250, 10'257)};
    trail.documents = {document(2, 1'000)};
    const auto account = account_of(trail, 10'000, 10'257);
    const auto causes = explain(account, trail);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].kind == Kind::unexplained);
    CHECK(causes[0].amount == 7);
    REQUIRE(causes[0].receipts.size() == 1);
    CHECK(causes[0].receipts[0].pour_id == "pour 4");
}

TEST_CASE("two updates of one transaction share its documents") {
    Trail trail;
    trail.updates = {update(2, 3, 10'000, 11'000), update(2, 4, 11'000, 12'000)};
    trail.documents = {document(2, 1'000), document(2, 1'000)};
    auto account = account_of(trail, 10'000, 12'000);
    CHECK(explain(account, trail).empty());
    trail.updates[1].new_value = 12'500;
    account.actual = 12'500;
    const auto causes = explain(account, trail);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].amount == 500);
}

TEST_CASE("a document whose program set its time itself belongs to the update of its size") {
    Trail trail;
    trail.updates = {update(5, 5, 10'000, 12'000), update(7, 7, 12'000, 12'030)};
    trail.documents = {document(3, 2'000)};
    const auto causes = explain(account_of(trail, 10'000, 12'030), trail);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].amount == 30);
}

TEST_CASE("a top-up that never reached the balance is named") {
    Trail trail;
    trail.documents = {document(3, 2'000)};
    const auto causes = explain(account_of(trail, 10'000, 10'000), trail);
    REQUIRE(causes.size() == 1);
    CHECK(causes[0].kind == Kind::ineffective);
    CHECK(causes[0].amount == -2'000);
    CHECK(causes[0].document->id == "document 3");
}

TEST_CASE("what changed without a record is what is left over") {
    Trail trail;
    trail.receipts = {receipt(1, 300)};
    trail.updates = {update(5, 5, 9'700, 9'710)};
    const auto account = account_of(trail, 10'000, 9'760);
    const auto causes = explain(account, trail);
    REQUIRE(causes.size() == 2);
    CHECK(causes[0].amount == 10);
    CHECK(causes[1].kind == Kind::unrecorded);
    CHECK(causes[1].amount == 50);
    CHECK(sum_of(causes) == account.difference());
}

TEST_CASE("one receipt isn't taken back twice") {
    Trail trail;
    trail.receipts = {receipt(1, 500)};
    trail.updates = {update(2, 2, 9'500, 10'000), update(3, 3, 10'000, 10'500)};
    const auto causes = explain(account_of(trail, 10'000, 10'500), trail);
    REQUIRE(causes.size() == 2);
    CHECK(causes[0].kind == Kind::overwrote);
    CHECK(causes[1].kind == Kind::unexplained);
    CHECK(causes[1].receipts.empty());
}

TEST_CASE("without an opening nothing is balanced and nothing is explained") {
    Account account;
    CHECK_FALSE(account.balanced());
    CHECK(explain(account, {}).empty());
}

}  // namespace tapline::reconcile
