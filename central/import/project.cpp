#include "central/import/project.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include <fmt/format.h>

#include "central/import/traceback.hpp"
#include "common/error.hpp"

namespace tapline::alembic {

namespace {

namespace fs = std::filesystem;
using revision::Direction;

std::string read_text(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || text.str().empty()) {
        throw Error(
            ErrorKind::usage,
            "no_alembic_project",
            fmt::format("{} can't be read", path.string()),
            "name the directory where `alembic` is run, and the ini file with --config FILE"
        );
    }
    return text.str();
}

std::string doubled_percents(const std::string& text) {
    std::string result;
    for (const char c : text) {
        result += c == '%' ? "%%" : std::string(1, c);
    }
    return result;
}

/// "postgresql+psycopg" of a URL for PostgreSQL, else nothing.
std::string scheme_of(std::string_view url) {
    const std::size_t first = url.find_first_not_of(" \t\"'");
    url = first == std::string_view::npos ? std::string_view{} : url.substr(first);
    const std::size_t end = url.find("://");
    return url.starts_with("postgresql") && end != std::string_view::npos
               ? std::string(url.substr(0, end))
               : std::string();
}

bool is_url_line(std::string_view line) {
    constexpr std::string_view key = "sqlalchemy.url";
    if (!line.starts_with(key)) {
        return false;
    }
    const std::size_t sign = line.find_first_not_of(" \t", key.size());
    return sign != std::string_view::npos && (line[sign] == '=' || line[sign] == ':');
}

/// The ini file with another URL, fit for another directory.
std::string ini_for(const std::string& original, const fs::path& here, const std::string& url) {
    constexpr std::string_view here_word = "%(here)s";
    const std::string directory = doubled_percents(here.string());
    std::string text;
    std::istringstream lines(original);
    bool dropping = false;
    for (std::string line; std::getline(lines, line);) {
        const bool goes_on = !line.empty() && (line.front() == ' ' || line.front() == '\t');
        dropping = (dropping && goes_on) || is_url_line(line);
        if (dropping) {
            continue;
        }
        for (std::size_t at = line.find(here_word); at != std::string::npos;
             at = line.find(here_word, at + directory.size())) {
            line.replace(at, here_word.size(), directory);
        }
        text += line + "\n";
        if (line.starts_with("[alembic]")) {
            text += "sqlalchemy.url = " + doubled_percents(url) + "\n";
        }
    }
    return text;
}

/// A `%` is kept away where it can be: many an env.py hands the URL to a parser that stumbles over
/// it.
std::string url_part(const std::string& text) {
    std::string result;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           std::string_view("-_./").find(c) != std::string_view::npos;
        result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return result;
}

std::map<std::string, std::string> own_environment() {
    std::map<std::string, std::string> result;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view pair = *each;
        const std::size_t sign = pair.find('=');
        const std::string_view name = pair.substr(0, sign);
        const bool database = name.starts_with("PG") || name.starts_with("POSTGRES_");
        if (sign != std::string_view::npos && !database) {
            result.insert_or_assign(std::string(name), std::string(pair.substr(sign + 1)));
        }
    }
    result["PYTHONDONTWRITEBYTECODE"] = "1";
    result["PYTHONIOENCODING"] = "utf-8";
    return result;
}

bool is_needed(const std::vector<AlembicRevision>& revisions, const AlembicRevision& one) {
    return std::any_of(revisions.begin(), revisions.end(), [&](const AlembicRevision& each) {
        const auto names = [&](const std::vector<std::string>& list) {
            return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
                return name == one.id ||
                       std::find(one.labels.begin(), one.labels.end(), name) != one.labels.end();
            });
        };
        return names(each.revises) || names(each.depends_on);
    });
}

}  // namespace

Project::Project(ProjectOptions options)
    : options_(std::move(options)), program_(find_program(options_.program)) {
    if (!fs::is_directory(options_.directory)) {
        throw Error(
            ErrorKind::usage,
            "no_alembic_project",
            fmt::format("there is no directory {}", options_.directory.string()),
            "name the directory where `alembic` is run"
        );
    }
    options_.directory = fs::absolute(options_.directory);
    const fs::path config =
        options_.config.empty() ? options_.directory / "alembic.ini" : fs::path(options_.config);
    ini_ = read_text(config);
    options_.config = fs::absolute(config).string();
    environment_ = own_environment();
    std::string scheme = scheme_of(environment_[options_.url_variable]);
    for (const std::string& line : lines_of(ini_)) {
        if (is_url_line(line)) {
            const std::string there = scheme_of(line.substr(line.find_first_of("=:") + 1));
            scheme = there.empty() ? scheme : there;
        }
    }
    scheme_ = scheme.empty() ? scheme_ : scheme;
    std::string name = (fs::temp_directory_path() / "tapline-import-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw Error(
            ErrorKind::storage,
            "file_write",
            fmt::format("{} can't be made", name),
            "check the space and the permissions there"
        );
    }
    scratch_ = name;
    use(Target{});
}

Project::~Project() {
    std::error_code ignored;
    fs::remove_all(scratch_, ignored);
}

void Project::use(const Target& target) {
    const std::string url = fmt::format(
        "{}://{}@/{}?host={}&port={}",
        scheme_,
        url_part(target.user),
        url_part(target.database),
        url_part(target.host),
        target.port
    );
    environment_[options_.url_variable] = url;
    for (const std::string prefix : {"PG", "POSTGRES_"}) {
        environment_[prefix + "HOST"] = target.host;
        environment_[prefix + "PORT"] = target.port;
        environment_[prefix + "USER"] = target.user;
        environment_[prefix + "PASSWORD"] = "none";
    }
    environment_["PGDATABASE"] = environment_["POSTGRES_DB"] = target.database;
    std::ofstream out(scratch_ / "alembic.ini", std::ios::binary | std::ios::trunc);
    out << ini_for(ini_, fs::path(options_.config).parent_path(), url);
}

ChildEnd Project::run(std::vector<std::string> arguments) const {
    Child child{{program_.string(), "-c", (scratch_ / "alembic.ini").string()}, environment_, {}};
    child.directory = options_.directory;
    child.arguments.insert(child.arguments.end(), arguments.begin(), arguments.end());
    ChildEnd end = run_child(child, options_.limits);
    // Ctrl-C reaches the child as well; what it says then is no finding.
    if (options_.stop != nullptr && *options_.stop) {
        throw Error(ErrorKind::refused, "stopped", "stopped", "nothing was written");
    }
    return end;
}

std::vector<AlembicRevision> Project::revisions() const {
    const auto listed = [&](std::vector<std::string> arguments) {
        const ChildEnd end = run(arguments);
        if (end.exit_code != 0) {
            throw Error(
                ErrorKind::usage,
                "alembic_failed",
                fmt::format("`alembic {}` failed: {}", arguments.front(), exception_line(end)),
                fmt::format("run it by hand in {}", options_.directory.string())
            );
        }
        return read_history(end.out);
    };
    std::vector<AlembicRevision> revisions = listed({"history", "-v"});
    std::set<std::string> labels;
    for (const AlembicRevision& each : revisions) {
        labels.insert(each.labels_here.begin(), each.labels_here.end());
    }
    // The history says which revisions have a label, and `show` whose it is.
    for (const std::string& label : labels) {
        const std::vector<AlembicRevision> carrier = listed({"show", label});
        for (AlembicRevision& each : revisions) {
            if (!carrier.empty() && each.id == carrier.front().id) {
                each.labels.push_back(label);
            }
        }
    }
    if (revisions.empty()) {
        throw Error(
            ErrorKind::usage,
            "no_revisions",
            fmt::format("Alembic knows no revision in {}", options_.directory.string()),
            "does script_location of its ini file name the directory with env.py and versions/?"
        );
    }
    return in_order(std::move(revisions));
}

/// What a run in one go tells; steps that it can't tell are left out.
void Project::render_range(const std::string& verb, const std::string& range, Rendered& known)
    const {
    const ChildEnd end = run({verb, range, "--sql"});
    Rendered found = read_rendered(end.out, ids_);
    if (end.exit_code != 0 && !found.order.empty()) {
        found.steps.erase(found.order.back());
    }
    std::erase_if(found.steps, [](const auto& each) { return !each.second.problem.empty(); });
    known.steps.merge(found.steps);
    known.versioned = known.versioned || found.versioned;
}

Half Project::render_one(const AlembicRevision& revision, Direction direction, Rendered& known)
    const {
    const StepName name{direction, revision.id};
    if (const auto there = known.steps.find(name); there != known.steps.end()) {
        return {there->second.pieces, {}, {}};
    }
    const bool up = direction == Direction::upgrade;
    std::vector<std::string> others = revision.revises;
    if (others.empty()) {
        others.emplace_back("base");
    }
    if (up) {  // from a dependency on fewer steps are rendered that may fail
        others.insert(others.end(), revision.depends_on.begin(), revision.depends_on.end());
    }
    Half half;
    for (const std::string& other : others) {
        const std::string range = up ? other + ":" + revision.id : revision.id + ":" + other;
        const ChildEnd end = run({up ? "upgrade" : "downgrade", range, "--sql"});
        Rendered found = read_rendered(end.out, ids_);
        known.versioned = known.versioned || found.versioned;
        const auto step = found.steps.find(name);
        const bool failed_here = !found.order.empty() && found.order.back() == name;
        if (step != found.steps.end() && (end.exit_code == 0 || !failed_here)) {
            if (step->second.problem.empty()) {
                return {step->second.pieces, {}, {}};
            }
            half.problem = step->second.problem;
        } else if (end.exit_code == 0) {
            half.problem = "Alembic renders nothing for it";
        } else if (failed_here || found.order.empty()) {
            half.problem = reason_of(end, revision.path);
            if (!up && raised_by_author(end, revision.path)) {
                return {{}, {}, half.problem};
            }
        } else {
            half.problem = fmt::format(
                "Alembic renders {} before it, and that fails: {}",
                found.order.back().second,
                reason_of(end, {})
            );
        }
    }
    return half;
}

std::vector<Imported> Project::render(const std::vector<AlembicRevision>& revisions) {
    Rendered known;
    std::vector<std::string> heads;
    ids_.clear();
    for (const AlembicRevision& each : revisions) {
        ids_.insert(each.id);
        if (!is_needed(revisions, each)) {
            heads.push_back(each.id);
        }
    }
    // Most projects render in one go; what fails is asked for one by one.
    render_range("upgrade", "base:heads", known);
    if (heads.size() == 1) {
        render_range("downgrade", heads.front() + ":base", known);
    }
    std::vector<Imported> imported;
    for (const AlembicRevision& each : revisions) {
        imported.push_back(
            {each,
             render_one(each, Direction::upgrade, known),
             render_one(each, Direction::downgrade, known)}
        );
    }
    const bool any = std::any_of(imported.begin(), imported.end(), [](const Imported& each) {
        return each.upgrade.problem.empty();
    });
    if (any && !known.versioned) {
        throw Error(
            ErrorKind::refused,
            "version_table",
            "this project's Alembic doesn't keep its version in public.alembic_version",
            "take version_table and version_table_schema out of its env.py, and rename the table"
        );
    }
    return imported;
}

bool Project::finds(const std::string& word) const {
    const ChildEnd end = run({"current"});
    return (end.out + end.err).find(word) != std::string::npos;
}

std::string Project::upgrade(const AlembicRevision& revision) const {
    const ChildEnd end = run({"upgrade", revision.id});
    return end.exit_code == 0 ? std::string() : reason_of(end, revision.path);
}

std::string Project::downgrade(const AlembicRevision& revision) const {
    const bool merge = revision.revises.size() > 1;
    const ChildEnd end = run({"downgrade", merge ? revision.revises.front() : "-1"});
    return end.exit_code == 0 ? std::string() : reason_of(end, revision.path);
}

}  // namespace tapline::alembic
