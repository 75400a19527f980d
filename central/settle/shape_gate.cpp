#include "central/settle/shape_gate.hpp"

#include "central/compat/verdict.hpp"
#include "central/compat/words.hpp"
#include "central/settle/statements.hpp"

namespace tapline::settle {

namespace {

compat::Shape shape_of(const pg::Row& row) {
    compat::Shape shape;
    shape.retired = row.boolean(1);
    shape.now = row.optional_integer(2);
    shape.rows = row.optional_integer(3);
    shape.minimum = row.integer(4);
    shape.wire_spoken = row.boolean(5);
    return shape;
}

compat::Terms terms_of(const pg::Row& row, const Part& part) {
    compat::Terms terms;
    terms.revision = part.batch->batch.revision;
    terms.minimum = row.text(6);
    terms.minimum_agent = row.text(7);
    terms.newest = row.text(8);
    terms.window_min = row.integer(9);
    terms.window_max = row.integer(10);
    terms.window_agent = row.text(11);
    return terms;
}

void apply(const pg::Row& row, Part& part) {
    const compat::Verdict verdict = compat::judge_batch(shape_of(row));
    switch (verdict) {
        case compat::Verdict::serve:
            break;
        case compat::Verdict::refuse_wire:
        case compat::Verdict::refuse_too_old:
        case compat::Verdict::refuse_too_new:
            part.refused = compat::refusal(verdict, terms_of(row, part));
            break;
        case compat::Verdict::keep_too_old:
        case compat::Verdict::keep_retired:
            part.kept = compat::reason_to_keep(verdict, terms_of(row, part));
            break;
    }
}

}  // namespace

void judge_shapes(pg::Session& session, std::vector<Part>& parts) {
    pg::ArrayBuilder journals;
    pg::ArrayBuilder revisions;
    pg::ArrayBuilder epochs;
    std::vector<Part*> asked;
    for (auto& part : parts) {
        if (!part.refused && part.first < part.batch->rows.size()) {
            journals.plain(part.batch->batch.journal_id);
            revisions.text(part.batch->batch.revision);
            epochs.integer(part.batch->batch.epoch);
            asked.push_back(&part);
        }
    }
    if (asked.empty()) {
        return;
    }
    const std::int64_t version = wire::protocol_version;
    for (const auto row : session.exec(sql::find_shapes, journals, revisions, version, epochs)) {
        apply(row, *asked[static_cast<std::size_t>(row.integer(0) - 1)]);
    }
}

}  // namespace tapline::settle
