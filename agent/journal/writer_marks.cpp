#include "agent/journal/writer_marks.hpp"

#include "common/test_pour.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_newest_pour =
    "SELECT duration_ms IS NOT NULL AND start_ts IS NULL, short_id IS NOT NULL FROM pours "
    "WHERE card_uid IS NOT ?1 ORDER BY seq DESC LIMIT 1";
constexpr std::string_view sql_next_of_the_loop =
    "SELECT seq, coalesce(attempts, 0) FROM pours WHERE status = 'new' LIMIT 20";
constexpr std::string_view sql_marks =
    "SELECT coalesce(status, ''), coalesce(attempts, 0) FROM pours WHERE seq = ?1";

}  // namespace

WriterRelease writer_release(Database& database) {
    auto newest = database.prepare(sql_newest_pour);
    newest.bind(1, test_card_uid);
    if (!newest.step()) {
        return WriterRelease::unknown;
    }
    if (newest.integer(0) != 0) {
        return WriterRelease::honours_settings;
    }
    return newest.integer(1) != 0 ? WriterRelease::around_settings : WriterRelease::before_settings;
}

MarkWatch::MarkWatch(Database& database) : look_(database.prepare(sql_marks)) {
    auto next = database.prepare(sql_next_of_the_loop);
    while (next.step()) {
        rows_.push_back({next.integer(0), next.integer(1)});
    }
}

void MarkWatch::add(Seq seq) {
    rows_.push_back({seq, 0});
}

std::optional<Mark> MarkWatch::changed() {
    for (const auto& row : rows_) {
        const ResetAtExit at_exit(look_);
        if (!look_.bind(1, row.seq).step()) {
            continue;
        }
        Mark mark{row.seq, look_.text(0), look_.integer(1) - row.attempts};
        if (mark.status != "new" || mark.attempts != 0) {
            return mark;
        }
    }
    return std::nullopt;
}

}  // namespace tapline::journal
