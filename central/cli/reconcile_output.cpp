#include "central/cli/reconcile_output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/settle/decide.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;
using reconcile::Cause;
using reconcile::Subject;

std::string value_text(Subject subject, std::int64_t value) {
    return subject == Subject::guest ? settle::money_text(value) : fmt::format("{} ml", value);
}

/// Numbers in JSON are cents and millilitres, so that nobody rounds them.
const char* unit_of(Subject subject) {
    return subject == Subject::guest ? "cents" : "ml";
}

std::string_view name_of(Cause::Kind kind) {
    switch (kind) {
        case Cause::Kind::overwrote:
            return "overwrote";
        case Cause::Kind::unexplained:
            return "unexplained";
        case Cause::Kind::ineffective:
            return "ineffective";
        case Cause::Kind::unrecorded:
            return "unrecorded";
    }
    return "unrecorded";
}

std::string receipts_text(Subject subject, const std::vector<reconcile::ReceiptLine>& receipts) {
    constexpr std::size_t shown = 20;
    std::string text;
    for (std::size_t i = 0; i < receipts.size() && i < shown; ++i) {
        const auto& line = receipts[i];
        text += fmt::format(
            "      {}  {}  pour {}, journal {} epoch {} seq {}\n",
            line.settled_at,
            value_text(subject, line.value),
            line.pour_id,
            line.journal_id,
            line.epoch,
            line.seq
        );
    }
    if (receipts.size() > shown) {
        text += fmt::format("      and {} more (--json has them)\n", receipts.size() - shown);
    }
    return text;
}

std::string update_text(Subject subject, const reconcile::Update& update) {
    return fmt::format(
        "{} by {} ({}): {} -> {}",
        update.changed_at,
        printable(update.role, 63),
        update.application.empty() ? "no application name" : printable(update.application, 63),
        value_text(subject, update.old_value),
        value_text(subject, update.new_value)
    );
}

std::string cause_text(Subject subject, const Cause& cause) {
    const std::string amount = value_text(subject, cause.amount);
    switch (cause.kind) {
        case Cause::Kind::overwrote:
            return fmt::format(
                "    {:>10}  update {}\n    it took back exactly these receipts (a balance that "
                "was "
                "read before them):\n{}",
                amount,
                update_text(subject, *cause.update),
                receipts_text(subject, cause.receipts)
            );
        case Cause::Kind::unexplained:
            return fmt::format(
                "    {:>10}  update {}\n    that no top-up and no pour of its own explains; "
                "receipts "
                "since the update before: {}\n{}",
                amount,
                update_text(subject, *cause.update),
                cause.receipts.size(),
                receipts_text(subject, cause.receipts)
            );
        case Cause::Kind::ineffective:
            return fmt::format(
                "    {:>10}  {} {} of {} changed nothing\n",
                amount,
                printable(cause.document->kind, 20),
                cause.document->id,
                cause.document->created_at
            );
        case Cause::Kind::unrecorded:
            break;
    }
    return fmt::format(
        "    {:>10}  changed without a record: triggers switched off, or a restore of single "
        "tables\n",
        amount
    );
}

Json receipts_json(const std::vector<reconcile::ReceiptLine>& receipts) {
    Json list = Json::array();
    for (const auto& line : receipts) {
        list.push_back(
            {{"pour_id", line.pour_id},
             {"journal_id", line.journal_id},
             {"epoch", line.epoch},
             {"seq", line.seq},
             {"settled_at", line.settled_at},
             {"value", line.value}}
        );
    }
    return list;
}

Json cause_json(const Cause& cause) {
    Json json{{"kind", name_of(cause.kind)}, {"amount", cause.amount}};
    if (cause.update) {
        json["update"] = {
            {"changed_at", cause.update->changed_at},
            {"role", printable(cause.update->role, 63)},
            {"application", printable(cause.update->application, 63)},
            {"old", cause.update->old_value},
            {"new", cause.update->new_value}};
        json["receipts"] = receipts_json(cause.receipts);
    }
    if (cause.document) {
        json["document"] = {
            {"id", cause.document->id},
            {"kind", printable(cause.document->kind, 20)},
            {"created_at", cause.document->created_at},
            {"effect", cause.document->effect}};
    }
    return json;
}

}  // namespace

std::string account_text(const AccountReport& report) {
    const auto& account = report.account;
    const auto value = [&](std::int64_t number) { return value_text(account.subject, number); };
    const bool guest = account.subject == Subject::guest;
    std::string text = fmt::format(
        "{} {} ({}): {}\n",
        guest ? "guest" : "keg",
        account.id,
        printable(account.name, 60),
        value(account.actual)
    );
    if (!account.opening) {
        return text + "  no opening is known: the row came in while triggers were off\n";
    }
    text += fmt::format("  {:>12}  opening, {}\n", value(*account.opening), account.opened_at);
    if (guest) {
        text += fmt::format(
            "  {:>12}  top-ups, {}\n", "+" + value(account.top_ups), account.top_up_count
        );
    }
    text += fmt::format(
        "  {:>12}  receipts, {}\n", "-" + value(account.receipts), account.receipt_count
    );
    text += fmt::format(
        "  {:>12}  pours of the bar's own program, {}\n",
        "-" + value(account.own_pours),
        account.own_pour_count
    );
    if (account.balanced()) {
        return text + "  balanced\n";
    }
    text += fmt::format(
        "  should be {}; difference {}:\n", value(account.expected()), value(account.difference())
    );
    for (const auto& cause : report.causes) {
        text += cause_text(account.subject, cause);
    }
    return text;
}

Json account_json(const AccountReport& report) {
    const auto& account = report.account;
    Json causes = Json::array();
    for (const auto& cause : report.causes) {
        causes.push_back(cause_json(cause));
    }
    return {
        {"subject", account.subject == Subject::guest ? "guest" : "keg"},
        {"id", account.id},
        {"name", printable(account.name, 120)},
        {"unit", unit_of(account.subject)},
        {"opening", account.opening ? Json(*account.opening) : Json(nullptr)},
        {"opened_at", account.opening ? Json(account.opened_at) : Json(nullptr)},
        {"top_ups", account.top_ups},
        {"receipts", account.receipts},
        {"receipt_count", account.receipt_count},
        {"own_pours", account.own_pours},
        {"own_pour_count", account.own_pour_count},
        {"expected", account.expected()},
        {"actual", account.actual},
        {"difference", account.difference()},
        {"balanced", account.balanced()},
        {"causes", causes}};
}

std::string journal_text(const reconcile::JournalState& state) {
    std::string text = fmt::format(
        "journal {} epoch {} ({}): complete through {}, {} rows, {} ml, {}, hash {}\n",
        state.journal_id,
        state.epoch,
        state.controller.empty() ? "unknown to central" : printable(state.controller, 64),
        state.complete_through,
        state.rows,
        state.volume_ml,
        settle::money_text(state.amount_cents),
        state.hash
    );
    if (state.max_seq && *state.max_seq > state.complete_through) {
        text += fmt::format("  not here yet: up to {}, as its agent said last\n", *state.max_seq);
    }
    if (state.waiting + state.dismissed > 0) {
        text += fmt::format(
            "  in quarantine: {} waiting, {} dismissed\n", state.waiting, state.dismissed
        );
    }
    for (const auto& hole : state.holes) {
        text += fmt::format(
            "  no row of ours for {}-{}: absent in the journal, or in pours when it came\n",
            hole.first,
            hole.last
        );
    }
    const auto named = static_cast<std::int64_t>(state.holes.size());
    if (state.hole_count > named) {
        text += fmt::format("  and {} more such ranges\n", state.hole_count - named);
    }
    for (const auto& fault : state.faults) {
        text += fmt::format("  DIFFERS at {}: {}: {}\n", fault.seq, fault.code, fault.detail);
    }
    const auto told = static_cast<std::int64_t>(state.faults.size());
    if (state.fault_count > told) {
        text += fmt::format("  and {} more that differ\n", state.fault_count - told);
    }
    return text;
}

Json journal_json(const reconcile::JournalState& state) {
    Json holes = Json::array();
    for (const auto& hole : state.holes) {
        holes.push_back({hole.first, hole.last});
    }
    Json faults = Json::array();
    for (const auto& fault : state.faults) {
        faults.push_back({{"seq", fault.seq}, {"code", fault.code}, {"detail", fault.detail}});
    }
    return {
        {"journal_id", state.journal_id},
        {"epoch", state.epoch},
        {"controller", printable(state.controller, 64)},
        {"complete_through", state.complete_through},
        {"hash", state.hash},
        {"max_seq", state.max_seq ? Json(*state.max_seq) : Json(nullptr)},
        {"rows", state.rows},
        {"volume_ml", state.volume_ml},
        {"amount_cents", state.amount_cents},
        {"waiting", state.waiting},
        {"dismissed", state.dismissed},
        {"hole_count", state.hole_count},
        {"holes", holes},
        {"difference_count", state.fault_count},
        {"differences", faults}};
}

std::string day_text(const reconcile::TapDay& day) {
    std::string text = fmt::format(
        "tap {}: {} pours, {} ml, {}\n"
        "  receipts {}, {} ml, {}; the bar's own program {}, {} ml, {}\n",
        day.tap_id,
        day.rows,
        day.volume_ml,
        settle::money_text(day.amount_cents),
        day.receipt_rows,
        day.receipt_ml,
        settle::money_text(day.receipt_cents),
        day.own_rows,
        day.own_ml,
        settle::money_text(day.own_cents)
    );
    if (day.uncertain > 0) {
        text += fmt::format("  of uncertain time: {}\n", day.uncertain);
    }
    if (day.waiting > 0) {
        text += fmt::format("  waiting in quarantine: {}, {} ml\n", day.waiting, day.waiting_ml);
    }
    for (const auto& fault : day.faults) {
        text += fmt::format("  DIFFERS: pour {}: {}\n", fault.pour_id, fault.detail);
    }
    return text;
}

Json day_json(const reconcile::TapDay& day) {
    Json faults = Json::array();
    for (const auto& fault : day.faults) {
        faults.push_back({{"pour_id", fault.pour_id}, {"detail", fault.detail}});
    }
    return {
        {"tap_id", day.tap_id},
        {"rows", day.rows},
        {"volume_ml", day.volume_ml},
        {"amount_cents", day.amount_cents},
        {"receipts",
         {{"rows", day.receipt_rows},
          {"volume_ml", day.receipt_ml},
          {"amount_cents", day.receipt_cents}}},
        {"own",
         {{"rows", day.own_rows}, {"volume_ml", day.own_ml}, {"amount_cents", day.own_cents}}},
        {"uncertain_time", day.uncertain},
        {"waiting", day.waiting},
        {"waiting_ml", day.waiting_ml},
        {"balanced", day.balanced()},
        {"differences", faults}};
}

}  // namespace tapline::cli
