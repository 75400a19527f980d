// Who is served, refused or kept, and in which words.
#include <catch2/catch.hpp>

#include "central/compat/lock.hpp"
#include "central/compat/words.hpp"
#include "central/settle/statements.hpp"

namespace tapline::compat {

namespace {

Shape shape(
    std::optional<std::int64_t> now, std::optional<std::int64_t> rows, std::int64_t minimum
) {
    Shape made;
    made.now = now;
    made.rows = rows;
    made.minimum = minimum;
    return made;
}

Terms terms() {
    Terms made;
    made.revision = "j0001";
    made.minimum = "j0002";
    made.minimum_agent = "0.2.0";
    made.newest = "j0003";
    made.window_agent = "0.5.0";
    return made;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a batch is judged by its own revision, its journal's, and what contracts have fixed") {
    CHECK(judge_batch(shape(1, 1, 0)) == Verdict::serve);
    CHECK(judge_batch(shape(2, 2, 2)) == Verdict::serve);
    CHECK(judge_batch(shape(3, 2, 2)) == Verdict::serve);
    CHECK(judge_batch(shape(1, 1, 2)) == Verdict::refuse_too_old);
    CHECK(judge_batch(shape({}, 1, 2)) == Verdict::refuse_too_old);
    CHECK(judge_batch(shape(2, 1, 2)) == Verdict::keep_too_old);
    CHECK(judge_batch(shape(2, {}, 0)) == Verdict::refuse_too_new);
}

TEST_CASE("late pours of a retired controller are kept, whatever they are") {
    auto retired = shape(1, 1, 0);
    retired.retired = true;
    CHECK(judge_batch(retired) == Verdict::keep_retired);
    retired.minimum = 2;
    CHECK(judge_batch(retired) == Verdict::keep_too_old);
    retired.rows.reset();
    CHECK(judge_batch(retired) == Verdict::keep_retired);
    CHECK(judge_hello(retired) == Verdict::serve);
    retired.now.reset();
    CHECK(judge_hello(retired) == Verdict::serve);
}

TEST_CASE("hello is refused below the minimum, beyond what is known, and without a common wire") {
    CHECK(judge_hello(shape(1, {}, 1)) == Verdict::serve);
    CHECK(judge_hello(shape(1, {}, 2)) == Verdict::refuse_too_old);
    CHECK(judge_hello(shape({}, {}, 0)) == Verdict::refuse_too_new);
    auto mute = shape(1, 1, 0);
    mute.wire_spoken = false;
    mute.retired = true;
    CHECK(judge_hello(mute) == Verdict::refuse_wire);
    CHECK(judge_batch(mute) == Verdict::refuse_wire);
}

TEST_CASE("settling asks for the lock that contracts take") {
    const std::string sql(settle::sql::begin.sql);
    CHECK(contains(sql, "xact_lock_shared(" + std::to_string(lock_key) + ")"));
    CHECK(contains(sql, "xact_lock_shared(" + std::to_string(settle::sql::hold_lock_key) + ")"));
}

TEST_CASE("a refusal says which program to install, and where") {
    const auto old = refusal(Verdict::refuse_too_old, terms());
    CHECK(old.status == 426);
    CHECK(old.code == "journal_too_old");
    CHECK(old.action == "upgrade");
    CHECK(contains(old.detail, "install tapline-agent 0.2.0 or later here"));
    const auto fresh = refusal(Verdict::refuse_too_new, terms());
    CHECK(fresh.code == "journal_too_new");
    CHECK(contains(fresh.detail, "up to j0003: install a newer tapline-central at the centre"));
    auto wire_terms = terms();
    wire_terms.window_min = 2;
    wire_terms.window_max = 3;
    const auto agent = refusal(Verdict::refuse_wire, wire_terms);
    CHECK(agent.code == "upgrade_required");
    CHECK(contains(agent.detail, "central speaks wire 2 to 3, this agent 1"));
    CHECK(contains(agent.detail, "install tapline-agent 0.5.0 or later here"));
    wire_terms.agent_min = 7;
    wire_terms.agent_max = 8;
    CHECK(contains(refusal(Verdict::refuse_wire, wire_terms).detail, "a newer tapline-central"));
}

TEST_CASE("words from the wire reach nobody's terminal raw") {
    auto bad = terms();
    bad.revision = "\x1b[31mj9";
    CHECK_FALSE(contains(refusal(Verdict::refuse_too_new, bad).detail, "\x1b"));
    CHECK_FALSE(contains(reason_to_keep(Verdict::keep_too_old, bad).detail, "\x1b"));
    CHECK(reason_to_keep(Verdict::keep_too_old, bad).code == "journal_too_old");
    CHECK(reason_to_keep(Verdict::keep_retired, bad).code == "retired_controller");
}

}  // namespace tapline::compat
