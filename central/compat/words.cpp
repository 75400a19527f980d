#include "central/compat/words.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::compat {

namespace {

constexpr const char* kept = "pours are kept until then";

wire::Problem upgrade(const char* code, const char* title, std::string detail) {
    wire::Problem problem;
    problem.status = 426;
    problem.code = code;
    problem.title = title;
    problem.detail = std::move(detail);
    problem.action = "upgrade";
    return problem;
}

std::string versions(std::int64_t from, std::int64_t to) {
    return from == to ? fmt::format("{}", from) : fmt::format("{} to {}", from, to);
}

wire::Problem no_common_wire(const Terms& terms) {
    const std::string both = fmt::format(
        "central speaks wire {}, this agent {}",
        versions(terms.window_min, terms.window_max),
        versions(terms.agent_min, terms.agent_max)
    );
    const bool agent_is_older = terms.agent_max < terms.window_min;
    return upgrade(
        "upgrade_required",
        "No version of the wire in common",
        agent_is_older
            ? fmt::format(
                  "{}: install tapline-agent {} or later here; {}", both, terms.window_agent, kept
              )
            : fmt::format(
                  "{}: install a newer tapline-central at the centre and run `tapline-central "
                  "upgrade` there; {}",
                  both,
                  kept
              )
    );
}

}  // namespace

wire::Problem refusal(Verdict verdict, const Terms& terms) {
    const std::string revision = printable(terms.revision, 40);
    switch (verdict) {
        case Verdict::refuse_wire:
            return no_common_wire(terms);
        case Verdict::refuse_too_old:
            return upgrade(
                "journal_too_old",
                "This journal's revision isn't settled any more",
                fmt::format(
                    "the journal is at {}, central settles from {} on: install tapline-agent {} or "
                    "later here, it raises the journal by itself; {}",
                    revision,
                    terms.minimum,
                    terms.minimum_agent,
                    kept
                )
            );
        case Verdict::refuse_too_new:
            return upgrade(
                "journal_too_new",
                "Central doesn't know this journal's revision yet",
                fmt::format(
                    "the journal is at {}, central settles up to {}: install a newer "
                    "tapline-central at the centre and run `tapline-central upgrade` there; {}",
                    revision,
                    terms.newest,
                    kept
                )
            );
        case Verdict::serve:
        case Verdict::keep_too_old:
        case Verdict::keep_retired:
            break;
    }
    TAPLINE_CHECK(false);
    return {};
}

Rejection reason_to_keep(Verdict verdict, const Terms& terms) {
    TAPLINE_CHECK(verdict == Verdict::keep_too_old || verdict == Verdict::keep_retired);
    const std::string revision = printable(terms.revision, 40);
    if (verdict == Verdict::keep_retired) {
        return {"retired_controller", "came after its controller was written off"};
    }
    return {
        "journal_too_old",
        fmt::format(
            "written under {}; a contract has fixed {} as the oldest", revision, terms.minimum
        )};
}

}  // namespace tapline::compat
