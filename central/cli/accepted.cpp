// accepted: the differences that maintainers let stand, and taking that back.
#include "central/catalog/accepted.hpp"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/access/maintainers.hpp"
#include "central/cli/revision_options.hpp"
#include "central/revision/ledger.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

struct WithdrawOptions {
    std::string object;
    std::string reason;
};

void show(const Context& context) {
    pg::Session session(context.connect_options());
    access::require_maintainer(session, "see the accepted differences of");
    Json list = Json::array();
    std::string text;
    for (const catalog::Kept& one : catalog::list_accepted(session)) {
        list.push_back(
            {{"object", one.object},
             {"reason", one.reason},
             {"who", one.who},
             {"accepted_at", one.accepted_at}}
        );
        text += fmt::format(
            "{}  since {}, by {}: {}\n", one.object, one.accepted_at, one.who, one.reason
        );
    }
    print(context, {{"accepted", list}}, text.empty() ? "nothing is accepted\n" : text);
}

void withdraw(const Context& context, const WithdrawOptions& options) {
    pg::Session session(context.connect_options());
    access::require_maintainer(session, "withdraw accepted differences of");
    const std::string reason = printable(options.reason, 1'000);
    const std::size_t count =
        catalog::withdraw_accepted(session, options.object, revision::who(), reason);
    if (count == 0) {
        throw Error(
            ErrorKind::usage,
            "not_accepted",
            fmt::format("no difference of '{}' is accepted", printable(options.object, 100)),
            "`tapline-central accepted` lists them"
        );
    }
    print(
        context,
        {{"withdrawn", options.object}, {"differences", count}},
        fmt::format("{} counts again: `check` reports it\n", options.object)
    );
}

}  // namespace

void add_accepted_verb(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("accepted", "the differences that maintainers let stand");
    add_common_options(*family, context);
    family->require_subcommand(0, 1);
    family->footer(
        "Examples:\n  tapline-central accepted\n"
        "  tapline-central accepted withdraw 'table notes' --reason 'the report is gone'"
    );
    family->callback([&context, family] {
        if (family->get_subcommands().empty()) {
            show(context);
        }
    });

    CLI::App* list = family->add_subcommand("list", "which, by whom, since when and why");
    add_common_options(*list, context);
    list->callback([&context] { show(context); });

    const auto options = std::make_shared<WithdrawOptions>();
    CLI::App* verb = family->add_subcommand("withdraw", "let an object's differences count again");
    add_common_options(*verb, context);
    verb->add_option("object", options->object, "as the list names it")->required();
    const CLI::Validator not_blank(
        [](const std::string& text) {
            const bool blank = text.find_first_not_of(" \t\n") == std::string::npos;
            return blank ? std::string("say why: the record keeps it") : std::string{};
        },
        ""
    );
    verb->add_option("--reason", options->reason, "for the record")->required()->check(not_blank);
    verb->callback([&context, options] { withdraw(context, *options); });
}

}  // namespace tapline::cli
