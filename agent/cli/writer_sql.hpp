// What the tap's program sends, for the verbs that rehearse a migration.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tapline::cli {

struct WriterSql {
    std::string file;    ///< --writer-sql; empty: none
    std::string config;  ///< --config; empty: where the agent has it

    [[nodiscard]] bool named() const { return !file.empty() || !config.empty(); }
};

/// `--writer-sql FILE` and `--config FILE`.
void add_writer_sql(CLI::App& verb, WriterSql& options);

/// writer_statements of agent.toml, then those of the file. Throws usage/"writer_sql", "config".
/// To be called before a verb drops to the journal's owner, who may not read them.
[[nodiscard]] std::vector<std::string> writer_statements(const WriterSql& options);

}  // namespace tapline::cli
