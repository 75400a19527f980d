// controllers: which devices there are, and who let them in.
#include "central/fleet/controllers.hpp"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_options.hpp"
#include "central/fleet/code.hpp"
#include "central/fleet/retire.hpp"
#include "central/revision/ledger.hpp"
#include "central/trust/files.hpp"
#include "common/secret_file.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t default_minutes = 60;
constexpr std::int64_t max_minutes = 7 * 24 * 60;

struct ControllerFlags {
    std::string name;
    std::vector<std::int64_t> taps;
    std::string reason;
    std::string journal;
    std::string tls_directory;
    std::string ca;
    std::int64_t minutes = default_minutes;
};

using Flags = std::shared_ptr<ControllerFlags>;

/// The root that agents shall pin: the one that central sends along with its certificate.
pki::Certificate root_of(const Context& context, const ControllerFlags& flags) {
    const TlsSettings tls = context.settings().tls;
    if (!flags.ca.empty()) {
        const auto text = read_small_file(flags.ca);
        return pki::Certificate::from_pem(text.value_or(""));
    }
    trust::Paths paths{tls.certificate, tls.key, tls.ca, {}};
    if (!flags.tls_directory.empty() || tls.certificate.empty()) {
        const auto& named = flags.tls_directory.empty() ? tls.directory : flags.tls_directory;
        paths = trust::paths_in(named.empty() ? default_tls_directory : named);
    }
    return pki::Certificate::all_from_pem(trust::load(paths).server_chain).back();
}

void enroll(const Context& context, const ControllerFlags& flags) {
    const auto root = root_of(context, flags);
    pg::Session session(context.connect_options());
    const auto made = fleet::invite(
        session, flags.name, flags.taps, std::chrono::minutes(flags.minutes), revision::who()
    );
    const std::string token = fleet::token_of(root.fingerprint(), made.code);
    print(
        context,
        {{"controller", flags.name},
         {"token", token},
         {"expires_at", made.expires_at},
         {"taps", flags.taps}},
        fmt::format(
            "{}\nFor {}, once, until {}. It isn't shown again.\nOn the device: tapline-agent "
            "enroll https://HOST:PORT, and paste it there.\n",
            token,
            flags.name,
            made.expires_at
        )
    );
}

void list(const Context& context) {
    pg::Session session(context.connect_options());
    Json json = Json::array();
    std::string text;
    for (const auto& one : fleet::list_controllers(session)) {
        json.push_back(
            {{"name", one.name},
             {"status", one.status},
             {"reason", one.reason},
             {"by", one.by},
             {"taps", one.taps},
             {"agent_version", one.agent_version},
             {"last_seen", one.last_seen ? Json(*one.last_seen) : Json()},
             {"certificate_until", one.certificate_until ? Json(*one.certificate_until) : Json()},
             {"pending_certificates", one.pending_certificates},
             {"code_until", one.code_until ? Json(*one.code_until) : Json()}}
        );
        text += fmt::format(
            "{:<20} {:<9} taps {:<12} last seen {}{}{}{}\n",
            one.name,
            one.status,
            one.taps.empty() ? "all" : fmt::format("{}", fmt::join(one.taps, ",")),
            one.last_seen.value_or("never"),
            one.certificate_until ? "  certificate until " + *one.certificate_until : "",
            one.code_until ? "  code until " + *one.code_until : "",
            one.pending_certificates > 0 ? "  a device waits: controllers approve" : ""
        );
    }
    print(context, {{"controllers", json}}, text.empty() ? "no controllers\n" : text);
}

void revoke(const Context& context, const ControllerFlags& flags) {
    pg::Session session(context.connect_options());
    const bool fresh = fleet::revoke(session, flags.name, flags.reason, revision::who());
    print(
        context,
        {{"revoked", flags.name}, {"already", !fresh}},
        flags.name + (fresh ? " is shut out; its journal stays on the device\n"
                            : " is revoked already; the first reason stays\n")
    );
}

void retire_journal(const Context& context, const ControllerFlags& flags) {
    pg::Session session(context.connect_options());
    fleet::retire_journal(session, flags.name, flags.journal, flags.reason, revision::who());
    print(
        context,
        {{"controller", flags.name}, {"retired_journal", flags.journal}},
        fmt::format(
            "journal {} of {} is written off: no contract waits for it unless it says hello "
            "again\n",
            flags.journal,
            flags.name
        )
    );
}

void retire(const Context& context, const ControllerFlags& flags) {
    if (!flags.journal.empty()) {
        retire_journal(context, flags);
        return;
    }
    pg::Session session(context.connect_options());
    fleet::retire(session, flags.name, flags.reason, revision::who());
    print(
        context,
        {{"retired", flags.name}},
        fmt::format(
            "{} is written off: no contract waits for it, and what it still sends is kept in "
            "quarantine (`tapline-central quarantine list`)\n",
            flags.name
        )
    );
}

void approve(const Context& context, const ControllerFlags& flags) {
    pg::Session session(context.connect_options());
    fleet::approve(session, flags.name, revision::who());
    print(context, {{"approved", flags.name}}, fmt::format("{} may send again\n", flags.name));
}

void set_taps(const Context& context, const ControllerFlags& flags) {
    pg::Session session(context.connect_options());
    fleet::set_taps(session, flags.name, flags.taps, revision::who());
    print(
        context,
        {{"controller", flags.name}, {"taps", flags.taps}},
        fmt::format(
            "{} may report for {}\n",
            flags.name,
            flags.taps.empty() ? "every tap" : fmt::format("taps {}", fmt::join(flags.taps, ", "))
        )
    );
}

CLI::App* add_verb(
    CLI::App& family, Context& context, const char* name, const char* help, const Flags& flags
) {
    CLI::App* verb = family.add_subcommand(name, help);
    add_common_options(*verb, context);
    verb->add_option("name", flags->name, "the controller")->required();
    return verb;
}

void add_taps(CLI::App& verb, const Flags& flags) {
    verb.add_option("--tap", flags->taps, "a tap that it may report for; repeatable")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{INT32_MAX}))
        ->type_name("N");
}

void add_enroll(CLI::App& family, Context& context) {
    const auto flags = std::make_shared<ControllerFlags>();
    CLI::App* verb = add_verb(family, context, "enroll", "print a token for one device", flags);
    add_taps(*verb, flags);
    verb->add_option("--minutes", flags->minutes, "how long the token can be used")
        ->check(CLI::Range(std::int64_t{1}, max_minutes))
        ->capture_default_str();
    verb->add_option("--tls", flags->tls_directory, "where the files of `tls init` are")
        ->type_name("DIR");
    verb->add_option("--tls-ca", flags->ca, "the authority's certificate")->type_name("FILE");
    verb->callback([&context, flags] { enroll(context, *flags); });
}

}  // namespace

void add_controllers_verbs(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("controllers", "the devices, and who let them in");
    add_common_options(*family, context);
    family->require_subcommand(1);
    family->footer(
        "Examples:\n  tapline-central controllers enroll bar-3 --tap 3 --tap 4\n"
        "  tapline-central controllers list\n"
        "  tapline-central controllers revoke bar-3 --reason 'stolen on Saturday'"
    );
    add_enroll(*family, context);
    CLI::App* listing = family->add_subcommand("list", "status, taps, certificates");
    add_common_options(*listing, context);
    listing->callback([&context] { list(context); });

    const auto revoked = std::make_shared<ControllerFlags>();
    CLI::App* verb = add_verb(*family, context, "revoke", "shut a device out", revoked);
    const CLI::Validator not_blank(
        [](const std::string& text) {
            const bool blank = text.find_first_not_of(" \t\n") == std::string::npos;
            return blank ? std::string("say why: the list keeps it") : std::string{};
        },
        ""
    );
    verb->add_option("--reason", revoked->reason, "for the record")->required()->check(not_blank);
    verb->callback([&context, revoked] { revoke(context, *revoked); });

    const auto retired = std::make_shared<ControllerFlags>();
    verb = add_verb(*family, context, "retire", "write a device off that won't come back", retired);
    verb->add_option("--reason", retired->reason, "for the record")->required()->check(not_blank);
    verb->add_option("--journal", retired->journal, "only this journal: its card was replaced")
        ->type_name("UUID");
    verb->footer(
        "For good: its name can't be enrolled again. Late pours of it are kept in quarantine.\n"
        "With --journal the device goes on; only that journal is waited for no more.\n"
        "Example:\n  tapline-central controllers retire bar-3 --reason 'drowned in the cellar'"
    );
    verb->callback([&context, retired] { retire(context, *retired); });

    const auto approved = std::make_shared<ControllerFlags>();
    verb = add_verb(*family, context, "approve", "let in a device that a backup forgot", approved);
    verb->callback([&context, approved] { approve(context, *approved); });

    const auto listed = std::make_shared<ControllerFlags>();
    verb = add_verb(*family, context, "taps", "which taps it may report for", listed);
    add_taps(*verb, listed);
    verb->footer("Without --tap it may report for every tap.");
    verb->callback([&context, listed] { set_taps(context, *listed); });
    add_forks_verbs(*family, context);
}

}  // namespace tapline::cli
