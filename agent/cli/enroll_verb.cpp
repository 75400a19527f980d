#include "agent/cli/enroll_verb.hpp"

#include <array>
#include <cstdio>
#include <memory>

#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/identity/enroll.hpp"
#include "agent/service/settings.hpp"
#include "agent/sync/https_transport.hpp"
#include "common/error.hpp"
#include "common/version.hpp"

namespace tapline::cli {

namespace {

constexpr std::size_t max_token_bytes = 512;
constexpr unsigned char ctrl_c = 3;

struct Arguments {
    service::Flags flags;
    std::string url;
    bool again = false;
    bool json = false;
};

/// What is typed isn't shown while this lives.
class Silence {
  public:
    Silence() {
        active_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0;
        if (active_) {
            termios quiet = before_;
            // Ctrl-C ends the line instead of the program, which would leave the terminal mute.
            quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
            quiet.c_cc[VEOL] = ctrl_c;
            ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        }
    }

    ~Silence() {
        if (active_) {
            ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
            fmt::print(stderr, "\n");
        }
    }

    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    termios before_{};
    bool active_ = false;
};

/// One line of stdin.
std::string read_token() {
    if (::isatty(STDIN_FILENO) == 1) {
        fmt::print(stderr, "Token (it isn't shown): ");
    }
    const Silence silence;
    std::array<char, max_token_bytes> line{};
    const char* got = std::fgets(line.data(), static_cast<int>(line.size()), stdin);
    return got == nullptr ? std::string() : std::string(got);
}

/// Root enrols, but the service runs as the journal's owner, who renews.
void give_to_owner(const std::filesystem::path& directory, const service::Settings& settings) {
    if (::geteuid() != 0 || settings.journals.empty()) {
        return;
    }

    struct stat journal {};

    if (::stat(settings.journals.front().c_str(), &journal) != 0 || journal.st_uid == 0) {
        return;
    }
    bool given = ::chown(directory.c_str(), journal.st_uid, journal.st_gid) == 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        given = ::lchown(entry.path().c_str(), journal.st_uid, journal.st_gid) == 0 && given;
    }
    if (!given) {
        throw Error(
            ErrorKind::storage,
            "write_file",
            fmt::format("can't give {} to the journal's owner", directory.string()),
            "chown it by hand to the owner of the journal"
        );
    }
}

void report(const Arguments& arguments, const identity::Identity& identity, bool fresh) {
    if (arguments.json) {
        const nlohmann::json json = {
            {"name", identity.name},
            {"central", identity.central},
            {"certificate_until", format_utc(identity.not_after)},
            {"enrolled_now", fresh}};
        print_json(json);
        return;
    }
    fmt::print(
        "{} as {} to {}; the certificate is renewed by itself before {}\n",
        fresh ? "enrolled" : "this device is enrolled already:",
        identity.name,
        identity.central,
        format_utc(identity.not_after)
    );
}

void enroll(const Arguments& arguments) {
    const auto settings = service::load_settings(arguments.flags, process_environment(), false);
    const std::filesystem::path directory = settings.state_dir;
    if (!sync::parse_central_url(arguments.url).tls) {
        throw Error(
            ErrorKind::usage,
            "central_url",
            "a certificate is given over https only",
            "give https://HOST:PORT"
        );
    }
    const auto known = arguments.again ? std::nullopt : identity::load(directory);
    if (known && known->central == arguments.url) {
        identity::forget_enrolling_key(directory);
        report(arguments, *known, false);
        return;
    }
    if (known) {
        throw Error(
            ErrorKind::refused,
            "enrolled_elsewhere",
            fmt::format("this device is enrolled as {} to {}", known->name, known->central),
            "--again enrols it anew, with a new key"
        );
    }
    identity::EnrollOptions options;
    options.directory = directory;
    options.url = arguments.url;
    options.token = identity::parse_token(read_token());
    options.agent_version = version;
    options.dates_count = &clock_synchronized;
    const auto made = identity::enroll(options);
    give_to_owner(directory, settings);
    report(arguments, made, true);
}

}  // namespace

void add_enroll_verb(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = app.add_subcommand("enroll", "Get this device's certificate from central");
    verb->add_option("url", arguments->url, "central: https://HOST:PORT")->required();
    verb->add_option("--config", arguments->flags.config, "Settings (/etc/tapline/agent.toml)");
    verb->add_option(
        "--state-dir", arguments->flags.state_dir, "Where key and certificate are kept"
    );
    verb->add_flag("--again", arguments->again, "Also when it is enrolled: a new key");
    verb->add_flag("--json", arguments->json, "Print JSON");
    verb->footer(
        "Asks for the token that `tapline-central controllers enroll NAME` printed, or reads it "
        "from\n"
        "stdin; a token is never an argument, where every user of this machine could read it.\n"
        "Cut off in the middle: run it again with the same token.\n"
        "Example:\n  tapline-agent enroll https://central.example:8443\n"
        "Exit codes: 0 enrolled, 2 usage, 3 central says no, 4 unreachable or not to be believed."
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] {
            enroll(*arguments);
            return 0;
        });
    });
}

}  // namespace tapline::cli
