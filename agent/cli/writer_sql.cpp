#include "agent/cli/writer_sql.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "agent/journal/writer_statements.hpp"
#include "agent/service/settings.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

constexpr std::uintmax_t max_file_bytes =
    2 * journal::max_writer_statements * journal::max_writer_statement_bytes;

std::string read_file(const std::string& path) {
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(path, failure);
    std::ifstream stream(path, std::ios::binary);
    if (failure || !stream || bytes > max_file_bytes) {
        throw Error(
            ErrorKind::usage,
            "writer_sql",
            fmt::format("{} can't be read, or has more than {} bytes", path, max_file_bytes),
            "Give a text file with the statements of the tap's program, each ended by ';'."
        );
    }
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

}  // namespace

void add_writer_sql(CLI::App& verb, WriterSql& options) {
    verb.add_option(
        "--writer-sql",
        options.file,
        "Statements on pours that the tap's program sends, each ended by ';': refused if the "
        "upgrade would break one"
    );
    verb.add_option(
        "--config", options.config, "Whose writer_statements count too (/etc/tapline/agent.toml)"
    );
}

std::vector<std::string> writer_statements(const WriterSql& options) {
    service::Flags flags;
    if (!options.config.empty()) {
        flags.config = options.config;
    }
    auto statements = service::load_settings(flags, process_environment(), false).writer_statements;
    if (!options.file.empty()) {
        for (auto& text : journal::split_statements(read_file(options.file))) {
            statements.push_back(std::move(text));
        }
    }
    return statements;
}

}  // namespace tapline::cli
