#include <algorithm>

#include "common/error.hpp"
#include "common/wire_parts.hpp"

namespace tapline::wire {

namespace {

Quarantined read_quarantined(const Json& json) {
    const Reader reader(json);
    return Quarantined{reader.number("seq", 1), reader.text("code"), reader.text_or("detail")};
}

}  // namespace

std::string encode(const Ack& ack) {
    Json quarantined = Json::array();
    for (const auto& item : ack.quarantined) {
        quarantined.push_back({{"seq", item.seq}, {"code", item.code}, {"detail", item.detail}});
    }
    return dump({
        {"acked_through", ack.acked_through},
        {"quarantined", std::move(quarantined)},
        {"released", write(ack.released)},
        {"prunable_through", ack.prunable_through},
        {"directives", write(ack.directives)},
    });
}

Ack decode_ack(std::string_view text) {
    const auto json = parse_object(text);
    const Reader reader(json);
    Ack ack;
    ack.acked_through = reader.number("acked_through", 0);
    ack.quarantined = reader.list<Quarantined>("quarantined", max_answer_items, read_quarantined);
    ack.released = reader.list<Released>("released", max_answer_items, read_released);
    ack.prunable_through = reader.number_or("prunable_through", 0);
    ack.directives = read_directives(reader.child("directives"));
    return ack;
}

std::string encode(const Problem& problem) {
    Json json = {
        {"type", "about:blank"},
        {"status", problem.status},
        {"code", problem.code},
        {"title", problem.title},
        {"detail", problem.detail},
        {"action", problem.action},
    };
    if (problem.retry_after) {
        json["retry_after_s"] = problem.retry_after->count();
    }
    if (problem.expected_seq) {
        json["expected_seq"] = *problem.expected_seq;
    }
    if (!problem.central_revision.empty()) {
        json["central_revision"] = problem.central_revision;
        json["journal_minimum"] = problem.journal_minimum;
    }
    return dump(json);
}

Problem decode_problem(int status, std::string_view body) {
    Problem problem;
    problem.status = status;
    problem.code = "not_tapline";
    problem.title = fmt::format("an answer {} that isn't tapline's", status);
    problem.action = "retry";
    try {
        const auto json = parse_object(body);
        const Reader reader(json);
        auto read = problem;
        read.code = reader.text("code");
        read.title = reader.text_or("title");
        read.detail = reader.text_or("detail");
        read.action = reader.text_or("action", "retry");
        read.central_revision = reader.text_or("central_revision");
        read.journal_minimum = reader.text_or("journal_minimum");
        if (json.contains("retry_after_s")) {
            read.retry_after = std::chrono::seconds(reader.number("retry_after_s", 0, 86'400));
        }
        if (json.contains("expected_seq")) {
            read.expected_seq = reader.number("expected_seq", 0);
        }
        return read;
    } catch (const Error&) {
        return problem;
    }
}

}  // namespace tapline::wire
