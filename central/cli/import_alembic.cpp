// import-alembic: revision files from a project of Alembic, proven against what Alembic itself
// does.
#include <iostream>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/import_report.hpp"
#include "central/cli/interrupt.hpp"
#include "central/cli/private_server.hpp"
#include "central/cli/revision_file.hpp"
#include "central/cli/revision_options.hpp"
#include "common/error.hpp"
#include "common/revision/directory.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;

struct ImportOptions {
    alembic::ProjectOptions project;
    std::string to;
    std::string check;
    bool incomplete = false;
    bool no_verify = false;
    int timeout_s = 300;
};

/// A directory that gets its name once it is whole.
class NewDirectory {
  public:
    explicit NewDirectory(const fs::path& target)
        : target_(fs::absolute(target).lexically_normal()) {
        if (!target_.has_filename()) {
            target_ = target_.parent_path();
        }
        refuse_existing();
        hidden_ = target_.parent_path() /
                  fmt::format(".{}.{}.tmp", target_.filename().string(), ::getpid());
    }

    ~NewDirectory() {
        std::error_code ignored;
        fs::remove_all(hidden_, ignored);
        for (const fs::path& each : parents_) {
            fs::remove(each, ignored);  // only an empty one goes
        }
    }

    NewDirectory(const NewDirectory&) = delete;
    NewDirectory& operator=(const NewDirectory&) = delete;

    [[nodiscard]] const fs::path& hidden() const noexcept { return hidden_; }

    void make() {
        std::error_code error;
        for (fs::path each = target_.parent_path(); !fs::exists(each); each = each.parent_path()) {
            parents_.push_back(each);
        }
        fs::create_directories(target_.parent_path(), error);
        if (!error) {
            fs::create_directory(hidden_, error);
        }
        if (error) {
            fail(error);
        }
    }

    /// Never over anything that is there by now.
    void keep() {
        if (renameat2(AT_FDCWD, hidden_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) !=
            0) {
            const std::error_code error(errno, std::generic_category());
            refuse_existing();
            fail(error);
        }
    }

  private:
    void refuse_existing() const {
        if (fs::exists(fs::symlink_status(target_))) {
            throw Error(
                ErrorKind::usage,
                "file_exists",
                fmt::format("{} is there already and stays as it is", target_.string()),
                "name a directory that isn't there yet with --to"
            );
        }
    }

    [[noreturn]] void fail(const std::error_code& error) const {
        throw Error(
            ErrorKind::storage,
            "file_write",
            fmt::format("{} can't be made: {}", target_.string(), error.message()),
            "check the directory, its permissions and the space left; nothing was left behind"
        );
    }

    fs::path target_;
    fs::path hidden_;
    std::vector<fs::path> parents_;  ///< made by us, the lowest first
};

revision::LineageSet load_set(const fs::path& directory) {
    revision::LineageOptions options;
    options.directory = directory;
    options.only = revision::LineageName::app;
    return revision::load_lineages(options);
}

std::vector<alembic::StepProof> prove(
    const Context& context,
    alembic::Project& project,
    const std::vector<alembic::AlembicRevision>& revisions,
    const fs::path& directory
) {
    const revision::LineageSet set = load_set(directory);
    const PrivateServer server;
    pg::ConnectOptions connect;
    connect.application_name = program_name;
    connect.url = server.url();
    alembic::Proof proof(project, set, connect);
    std::ostream& out = context.json ? std::cerr : std::cout;
    return proof.run(revisions, [&out](const alembic::StepProof& each) {
        if (stop_requested()) {
            throw Error(ErrorKind::refused, "stopped", "stopped", "nothing was written");
        }
        out << proof_text(each) << std::flush;
    });
}

/// The files of all revisions, by name, and which are whose.
std::vector<revision::SourceFile> convert(std::vector<ImportedFiles>& all) {
    revision::IdSet taken;
    for (const ImportedFiles& each : all) {
        taken.insert(each.revision.facts.id);
    }
    std::vector<revision::SourceFile> files;
    for (ImportedFiles& each : all) {
        for (revision::SourceFile& file : alembic::files_of(each.revision, taken)) {
            taken.insert(revision::parse(file, revision::Dialect::postgres).id);
            each.files.push_back(file.name);
            files.push_back(std::move(file));
        }
    }
    alembic::Allowed allowed = alembic::allow_hazards(std::move(files));
    for (ImportedFiles& each : all) {
        for (const std::string& file : each.files) {
            const std::vector<std::string>& hazards = allowed.hazards[file];
            each.allowed.insert(each.allowed.end(), hazards.begin(), hazards.end());
        }
    }
    return std::move(allowed.files);
}

/// Refused as a whole: a lineage with holes would be found out in the middle of an upgrade.
void refuse(
    Context& context, const std::vector<ImportedFiles>& all, const std::vector<MissingStep>& missing
) {
    const std::string message =
        fmt::format("Alembic can't tell the SQL of {} steps", missing.size());
    const std::string hint =
        "nothing was written; --incomplete writes the rest, with sections that refuse to run in "
        "their place";
    if (context.json) {
        const nlohmann::ordered_json body{
            {"kind", "not_rendered"},
            {"message", message},
            {"hint", hint},
            {"steps", missing_json(missing)},
            {"revisions", revisions_json(all)}};
        std::cout << nlohmann::ordered_json{{"error", body}}.dump() << '\n';
    }
    std::cerr << fmt::format(
        "{}{}",
        missing_text(missing),
        render_error(program_name, {ErrorKind::refused, "not_rendered", message, hint})
    );
    context.exit_code = exit_code(ErrorKind::refused);
}

void check_files(Context& context, alembic::Project& project, const ImportOptions& options) {
    const auto proofs = prove(context, project, project.revisions(), options.check);
    print(
        context,
        {{"directory", options.check}, {"steps", proofs_json(proofs)}, {"equal", all_good(proofs)}},
        summary_text(proofs)
    );
    context.exit_code = all_good(proofs) ? 0 : 1;
}

void import_project(Context& context, alembic::Project& project, const ImportOptions& options) {
    NewDirectory directory(options.to);
    std::vector<ImportedFiles> all;
    for (alembic::Imported& each : project.render(project.revisions())) {
        all.push_back({std::move(each), {}, {}});
    }
    const std::vector<MissingStep> missing = missing_steps(all);
    if (!missing.empty() && !options.incomplete) {
        refuse(context, all, missing);
        return;
    }
    const std::vector<revision::SourceFile> files = convert(all);
    directory.make();
    for (const revision::SourceFile& file : files) {
        write_new_file(directory.hidden(), file.name, file.bytes);
    }
    std::vector<alembic::AlembicRevision> revisions;
    for (const ImportedFiles& each : all) {
        revisions.push_back(each.revision.facts);
    }
    std::vector<alembic::StepProof> proofs;
    if (!options.no_verify) {
        proofs = prove(context, project, revisions, directory.hidden());
    }
    const bool good = missing.empty() && all_good(proofs);
    const bool keep = good || options.incomplete;
    if (keep) {
        directory.keep();
    }
    std::string text = revisions_text(all);
    text += missing_text(missing);
    text += options.no_verify ? "nothing was verified\n" : summary_text(proofs);
    text += keep ? fmt::format("{} files in {}\n", files.size(), options.to)
                 : "nothing was written; --incomplete writes the files as they are\n";
    print(
        context,
        {{"directory", options.to},
         {"written", keep},
         {"missing", missing_json(missing)},
         {"verified", !options.no_verify},
         {"equal", !options.no_verify && all_good(proofs)},
         {"revisions", revisions_json(all)},
         {"steps", proofs_json(proofs)}},
        text
    );
    context.exit_code = good ? 0 : 1;
}

}  // namespace

void add_import_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ImportOptions>();
    CLI::App* verb = app.add_subcommand(
        "import-alembic", "make revision files of a project of Alembic, and prove them"
    );
    verb->add_option("project", options->project.directory, "where `alembic` is run")
        ->required()
        ->type_name("DIR");
    CLI::Option* to = verb->add_option("--to", options->to, "new directory for the files");
    CLI::Option* checked =
        verb->add_option("--check", options->check, "prove the files of this directory instead");
    to->type_name("DIR")->excludes(checked);
    checked->type_name("DIR");
    verb->add_option("--alembic", options->project.program, "the project's own Alembic")
        ->type_name("PROGRAM");
    verb->add_option("--config", options->project.config, "its ini file, else DIR/alembic.ini")
        ->type_name("FILE");
    verb->add_option(
            "--url-variable", options->project.url_variable, "where its env.py finds the database"
    )
        ->type_name("NAME")
        ->capture_default_str();
    verb->add_option("--timeout", options->timeout_s, "seconds for one run of Alembic")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    verb->add_flag(
        "--incomplete", options->incomplete, "write files although steps are missing or differ"
    );
    verb->add_flag("--no-verify", options->no_verify, "don't run anything online");
    add_json_option(*verb, context);
    verb->footer(
        "Examples:\n  tapline-central import-alembic ~/bar/backend --to migrations/bar\n"
        "  tapline-central import-alembic ~/bar/backend --check migrations/bar\n"
        "Alembic runs against a private PostgreSQL only, never against the bar's. Exit codes: 1 "
        "a step differs or is missing, 3 refused because a step can't be rendered."
    );
    verb->callback([&context, options] {
        if (options->to.empty() == options->check.empty()) {
            throw Error(
                ErrorKind::usage,
                "usage",
                "neither --to nor --check says what to do",
                "--to DIR makes files, --check DIR proves those that are there"
            );
        }
        options->project.limits.time = std::chrono::seconds(options->timeout_s);
        options->project.stop = &stop_requested();
        alembic::Project project(options->project);
        if (options->check.empty()) {
            import_project(context, project, *options);
        } else {
            check_files(context, project, *options);
        }
    });
}

}  // namespace tapline::cli
