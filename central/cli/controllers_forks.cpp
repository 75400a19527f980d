// controllers forks, forks grant, move: journals that two devices show, and whose a journal is.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_options.hpp"
#include "central/fleet/forks.hpp"
#include "central/revision/ledger.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

struct ForkFlags {
    bool all = false;
    std::string journal;
    std::vector<std::int64_t> sides;
    std::string to;
    std::string reason;
};

using Flags = std::shared_ptr<ForkFlags>;

/// Enough of a fingerprint to tell two devices apart by eye.
std::string shortened(const std::string& text) {
    constexpr std::size_t shown = 12;
    return text.empty() ? "unknown" : text.substr(0, shown);
}

std::string what_now(const fleet::ListedFork& fork) {
    if (fork.state == "two_alive") {
        return fmt::format(
            "two devices show it at once; both keep their pours. Switch one off, or: "
            "tapline-central controllers forks grant {} --side N --reason WHY (--side twice: both "
            "go on)",
            fork.journal_id
        );
    }
    if (fork.state == "shown_elsewhere") {
        return fmt::format(
            "another controller has the card. If that is right: tapline-central controllers move "
            "{} "
            "--to NAME --reason WHY",
            fork.journal_id
        );
    }
    if (fork.state == "refused") {
        return fmt::format(
            "a device that wasn't chosen still asks; its pours are in its file. To let it in too: "
            "tapline-central controllers forks grant {} --side N --reason WHY",
            fork.journal_id
        );
    }
    return "repaired by itself";
}

Json side_json(const fleet::ListedSide& side) {
    return {
        {"side", side.id},
        {"controller", side.controller},
        {"fingerprint", side.fingerprint},
        {"boot_id", side.boot_id},
        {"epoch", side.epoch},
        {"acked", side.acked},
        {"max_seq", side.max_seq},
        {"depth", side.depth},
        {"since", side.since},
        {"last_seen", side.last_seen},
        {"alive", side.alive},
        {"verdict", side.verdict},
        {"verdict_by", side.verdict_by},
        {"verdict_reason", side.verdict_reason}};
}

std::string side_text(const fleet::ListedSide& side) {
    return fmt::format(
        "  side {}: {} hardware {} boot {} epoch {}; pours {}, {} of them not settled; seen {} to "
        "{}{}{}\n",
        side.id,
        side.controller,
        shortened(side.fingerprint),
        shortened(side.boot_id),
        side.epoch,
        side.max_seq,
        side.depth,
        side.since,
        side.last_seen,
        side.alive ? ", alive" : "",
        side.verdict.empty() ? "" : fmt::format("; {} by {}", side.verdict, side.verdict_by)
    );
}

Json epoch_json(const fleet::ListedEpoch& epoch) {
    return {
        {"epoch", epoch.epoch},
        {"start_seq", epoch.start_seq},
        {"cursor", epoch.cursor},
        {"closed", epoch.closed},
        {"granted_by", epoch.granted_by},
        {"granted_at", epoch.granted_at},
        {"reason", epoch.reason}};
}

std::string epoch_text(const fleet::ListedEpoch& epoch) {
    return fmt::format(
        "  epoch {}: pours {} to {} settled{}{}\n",
        epoch.epoch,
        epoch.start_seq + 1,
        epoch.cursor,
        epoch.granted_by.empty()
            ? ""
            : fmt::format(
                  "; granted {} by {} ({})", epoch.granted_at, epoch.granted_by, epoch.reason
              ),
        epoch.closed ? "; closed" : ""
    );
}

void list(Context& context, const ForkFlags& flags) {
    pg::Session session(context.connect_options());
    Json json = Json::array();
    std::string text;
    for (const auto& fork : fleet::list_forks(session, flags.all)) {
        Json sides = Json::array();
        Json epochs = Json::array();
        text +=
            fmt::format("journal {} of {}: {}\n", fork.journal_id, fork.controller, what_now(fork));
        for (const auto& side : fork.sides) {
            sides.push_back(side_json(side));
            text += side_text(side);
        }
        for (const auto& epoch : fork.epochs) {
            epochs.push_back(epoch_json(epoch));
            text += epoch_text(epoch);
        }
        context.exit_code = fork.state == "repaired" ? context.exit_code : 1;
        json.push_back(
            {{"journal", fork.journal_id},
             {"controller", fork.controller},
             {"state", fork.state},
             {"since", fork.since},
             {"sides", std::move(sides)},
             {"epochs", std::move(epochs)}}
        );
    }
    print(context, {{"forks", json}}, text.empty() ? "no journal is shown by two devices\n" : text);
}

void grant(const Context& context, const ForkFlags& flags) {
    pg::Session session(context.connect_options());
    const auto journal = fleet::find_journal_id(session, flags.journal);
    const auto decided =
        fleet::decide_fork(session, journal, flags.sides, flags.reason, revision::who());
    print(
        context,
        {{"journal", journal},
         {"chosen", decided.chosen},
         {"refused", decided.refused},
         {"closed_epochs", decided.closed_epochs}},
        fmt::format(
            "journal {}: {} go on, each in an epoch of its own, within a minute; {} refused\n",
            journal,
            decided.chosen,
            decided.refused
        )
    );
}

void move(const Context& context, const ForkFlags& flags) {
    pg::Session session(context.connect_options());
    const auto journal = fleet::find_journal_id(session, flags.journal);
    const auto from =
        fleet::move_journal(session, journal, flags.to, flags.reason, revision::who());
    print(
        context,
        {{"journal", journal}, {"from", from}, {"to", flags.to}},
        fmt::format(
            "journal {} belongs to {} now; {} can't send it any more\n", journal, flags.to, from
        )
    );
}

void add_reason(CLI::App& verb, const Flags& flags) {
    const CLI::Validator not_blank(
        [](const std::string& text) {
            const bool blank = text.find_first_not_of(" \t\n") == std::string::npos;
            return blank ? std::string("say why: the list keeps it") : std::string{};
        },
        ""
    );
    verb.add_option("--reason", flags->reason, "for the record")->required()->check(not_blank);
}

void add_journal(CLI::App& verb, const Flags& flags) {
    verb.add_option("journal", flags->journal, "its id, or how it begins")->required();
}

}  // namespace

void add_forks_verbs(CLI::App& family, Context& context) {
    const Flags flags = std::make_shared<ForkFlags>();
    CLI::App* forks = family.add_subcommand("forks", "journals that two devices show");
    add_common_options(*forks, context);
    forks->require_subcommand(0, 1);
    forks->add_flag("--all", flags->all, "also those that were repaired by themselves");
    forks->footer(
        "Exit code 1 when one of them needs somebody.\nExamples:\n"
        "  tapline-central controllers forks\n"
        "  tapline-central controllers forks grant 6f0c --side 3 --reason 'side 4 is a copy'"
    );
    forks->callback([&context, flags, forks] {
        if (forks->get_subcommands().empty()) {
            list(context, *flags);
        }
    });
    CLI::App* verb = forks->add_subcommand("grant", "let these sides of a fork go on");
    add_common_options(*verb, context);
    add_journal(*verb, flags);
    verb->add_option("--side", flags->sides, "its number; repeatable")->required()->type_name("N");
    add_reason(*verb, flags);
    verb->footer(
        "Each goes on in an epoch of its own. What isn't named is refused; its pours stay in its "
        "file, and a later grant lets it in."
    );
    verb->callback([&context, flags] { grant(context, *flags); });

    const Flags moved = std::make_shared<ForkFlags>();
    verb = family.add_subcommand("move", "give a journal to another controller");
    add_common_options(*verb, context);
    add_journal(*verb, moved);
    verb->add_option("--to", moved->to, "the controller that has the card now")
        ->required()
        ->type_name("NAME");
    add_reason(*verb, moved);
    verb->callback([&context, moved] { move(context, *moved); });
}

}  // namespace tapline::cli
