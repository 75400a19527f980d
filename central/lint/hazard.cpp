#include "central/lint/hazard.hpp"

#include <algorithm>
#include <array>

namespace tapline::lint {

namespace {

using enum Severity;

constexpr std::array policies = {
    HazardPolicy{
        Hazard::table_rewrite,
        "table_rewrite",
        block,
        "pours can't be settled for as long as the table is large",
        "add a new column, fill it in batches, let clients move over, then drop the old one"},
    HazardPolicy{
        Hazard::full_scan_under_lock,
        "full_scan_under_lock",
        block,
        "pours can't be settled for as long as the table is large",
        "ADD CONSTRAINT … CHECK … NOT VALID first, VALIDATE CONSTRAINT in a later revision"},
    HazardPolicy{
        Hazard::index_build_under_lock,
        "index_build_under_lock",
        block,
        "pours can't be settled for as long as the table is large",
        "CREATE UNIQUE INDEX CONCURRENTLY in a revision with transaction=off, then ADD CONSTRAINT "
        "… USING INDEX"},
    HazardPolicy{
        Hazard::blocks_writes,
        "blocks_writes",
        block,
        "reading goes on, settling doesn't",
        "CREATE INDEX CONCURRENTLY with transaction=off; foreign keys: NOT VALID, then VALIDATE "
        "CONSTRAINT in a later revision"},
    HazardPolicy{
        Hazard::blocks_reads_and_writes,
        "blocks_reads_and_writes",
        block,
        "everybody waits, and there is a form that takes a weaker lock",
        "use the CONCURRENTLY form in a revision with transaction=off"},
    HazardPolicy{
        Hazard::many_tables_locked,
        "many_tables_locked",
        warn,
        "short when nothing else is slow; a deadlock ends one side, and the runner tries again",
        "one table per revision"},
    HazardPolicy{
        Hazard::slow_work_under_lock,
        "slow_work_under_lock",
        block,
        "the lock is held to the end of the transaction, so everybody waits for the slow statement",
        "put the slow statement into a revision of its own"},
    HazardPolicy{
        Hazard::validate_in_same_transaction,
        "validate_in_same_transaction",
        block,
        "the strong lock of ADD CONSTRAINT is kept through the scan",
        "VALIDATE CONSTRAINT in a later revision, or in a section with transaction=off"},
    HazardPolicy{
        Hazard::fails_on_existing_rows,
        "fails_on_existing_rows",
        warn,
        "a failing revision is rolled back whole; rehearsal on a copy shows it beforehand",
        "look for offending rows and correct them in an earlier revision"},
    HazardPolicy{
        Hazard::whole_table_write,
        "whole_table_write",
        block,
        "every row stays locked until the end, and the table swells to twice its size",
        "UPDATE and INSERT: a batch step, '-- tapline: batch …'; DELETE and MERGE: in pages, by a "
        "program of its own"},
    HazardPolicy{
        Hazard::data_loss,
        "data_loss",
        block,
        "no downgrade brings it back, only a backup",
        "keep it until nobody needs it; a verified backup first"},
    HazardPolicy{
        Hazard::breaks_clients,
        "breaks_clients",
        block,
        "programs of the bar that run now fail at once",
        "expand, let every client move over, contract in a later revision"},
    HazardPolicy{
        Hazard::relaxes_integrity,
        "relaxes_integrity",
        warn,
        "nothing fails now; wrong rows may come in unseen",
        "put the new guard in place before the old one goes"},
    HazardPolicy{
        Hazard::access_change,
        "access_change",
        warn,
        "often wanted; somebody who answers for it should have looked",
        "have it reviewed, and name the roles in the change"},
    HazardPolicy{
        Hazard::not_allowed_in_transaction,
        "not_allowed_in_transaction",
        block,
        "the revision can't run",
        "a revision of its own with 'transaction=off' behind its section's marker"},
    HazardPolicy{
        Hazard::enum_value_used_too_early,
        "enum_value_used_too_early",
        block,
        "the revision can't run (SQLSTATE 55P04)",
        "add the value in an earlier revision"},
    HazardPolicy{
        Hazard::transaction_control,
        "transaction_control",
        block,
        "half of the revision would be durable without its version row",
        "take it out; the runner opens and ends the transaction"},
    HazardPolicy{
        Hazard::session_setting_left,
        "session_setting_left",
        warn,
        "the revisions after it run under a setting that nobody chose for them",
        "SET LOCAL, which ends with the transaction"},
    HazardPolicy{
        Hazard::guard_disabled,
        "guard_disabled",
        block,
        "without the limit one long query of a client stops the bar behind this revision",
        "a longer limit as the section's option: lock_timeout=5s, statement_timeout=10min"},
    HazardPolicy{
        Hazard::may_keep_invalid_index,
        "may_keep_invalid_index",
        warn,
        "an index that no query uses and every write pays for, recorded as built",
        "DROP INDEX CONCURRENTLY IF EXISTS before it, and no IF NOT EXISTS"},
    HazardPolicy{
        Hazard::name_truncated,
        "name_truncated",
        warn,
        "it runs; the next one who uses the whole name may meet another object",
        "at most 63 bytes"},
    HazardPolicy{
        Hazard::cannot_be_checked,
        "cannot_be_checked",
        warn,
        "nothing is known against it; a person has to read it",
        "write the statements out, or have the block reviewed"},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < policies.size(); ++i) {
        if (policies[i].hazard != static_cast<Hazard>(i)) {
            return false;
        }
    }
    return true;
}

static_assert(in_order(), "policies stand in the order of the enumeration");

}  // namespace

std::span<const HazardPolicy> hazard_policies() noexcept {
    return policies;
}

const HazardPolicy& policy(Hazard hazard) noexcept {
    return policies[static_cast<std::size_t>(hazard)];
}

std::string_view to_string(Hazard hazard) noexcept {
    return policy(hazard).name;
}

std::string_view to_string(Severity severity) noexcept {
    return severity == block ? "block" : "warn";
}

std::optional<Hazard> parse_hazard(std::string_view name) noexcept {
    const auto found = std::find_if(policies.begin(), policies.end(), [&](const auto& each) {
        return each.name == name;
    });
    return found == policies.end() ? std::nullopt : std::optional(found->hazard);
}

}  // namespace tapline::lint
