#include "bench/lab/revision_projects.hpp"

#include <fstream>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

constexpr const char* env_py = R"(import os, sqlalchemy
from alembic import context
with sqlalchemy.create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction(): context.run_migrations()
)";

void write(const fs::path& path, const std::string& text) {
    std::ofstream out(path);
    out << text;
    out.close();
    if (!out) {
        throw Error(ErrorKind::storage, "write", path.string() + " can't be written");
    }
}

std::string revision_id(std::size_t i) {
    return fmt::format("r{:05}", i + 1);
}

}  // namespace

RevisionText small_revision(int i) {
    const std::string table = fmt::format("thing_{}", i / 4);
    switch (i % 4) {
        case 0:
            return {
                fmt::format(
                    "CREATE TABLE {} (id bigint PRIMARY KEY, name text NOT NULL, made timestamptz "
                    "NOT NULL DEFAULT now())",
                    table
                ),
                fmt::format("DROP TABLE {}", table)};
        case 1:
            return {
                fmt::format("ALTER TABLE {} ADD COLUMN note text", table),
                fmt::format("ALTER TABLE {} DROP COLUMN note", table)};
        case 2:
            return {
                fmt::format("CREATE INDEX ix_{0}_name ON {0} (name)", table),
                fmt::format("DROP INDEX ix_{}_name", table)};
        default:
            return {
                fmt::format("ALTER TABLE {0} ADD CONSTRAINT ck_{0}_name CHECK (name <> '')", table),
                fmt::format("ALTER TABLE {0} DROP CONSTRAINT ck_{0}_name", table)};
    }
}

RevisionText table_revision(int i) {
    const std::string table = fmt::format("thing_{}", i);
    const std::string reference =
        i == 0 ? "" : fmt::format(" REFERENCES thing_{} (id) ON DELETE CASCADE", i - 1);
    return {
        fmt::format(
            "CREATE TABLE {0} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name "
            "varchar(50) NOT NULL, amount numeric(10,2) NOT NULL DEFAULT 0, other bigint{1}, made "
            "timestamptz NOT NULL DEFAULT now(), CONSTRAINT ck_{0}_amount CHECK (amount >= 0));\n"
            "CREATE INDEX ix_{0}_name ON {0} (name) WHERE name <> ''",
            table,
            reference
        ),
        fmt::format("DROP TABLE {}", table)};
}

RevisionProjects write_projects(
    const fs::path& directory, const std::vector<RevisionText>& revisions
) {
    RevisionProjects projects{
        directory / "ours", directory / "alembic", {}, revision_id(revisions.size() - 1)};
    const fs::path versions = projects.alembic / "alembic" / "versions";
    const fs::path scripts = directory / "psql";
    fs::create_directories(projects.ours);
    fs::create_directories(versions);
    fs::create_directories(scripts);
    write(
        projects.alembic / "alembic.ini",
        fmt::format("[alembic]\nscript_location = {}/alembic\n", projects.alembic.string())
    );
    write(projects.alembic / "alembic" / "env.py", env_py);
    for (std::size_t i = 0; i < revisions.size(); ++i) {
        const std::string id = revision_id(i);
        const std::string parent = i == 0 ? "" : revision_id(i - 1);
        const auto& [upgrade, downgrade] = revisions[i];
        write(
            projects.ours / (id + ".sql"),
            fmt::format(
                "-- revision {0}\n-- Revision ID: {0}\n-- Revises: {1}\n\n-- tapline: upgrade\n"
                "{2};\n\n-- tapline: downgrade\n{3};\n",
                id,
                parent,
                upgrade,
                downgrade
            )
        );
        write(
            versions / (id + ".py"),
            fmt::format(
                "from alembic import op\nrevision = '{0}'\ndown_revision = {1}\n"
                "def upgrade():\n    op.execute(\"\"\"{2}\"\"\")\n"
                "def downgrade():\n    op.execute(\"\"\"{3}\"\"\")\n",
                id,
                parent.empty() ? "None" : "'" + parent + "'",
                upgrade,
                downgrade
            )
        );
        projects.scripts.push_back(scripts / (id + ".sql"));
        write(projects.scripts.back(), fmt::format("BEGIN;\n{};\nCOMMIT;\n", upgrade));
    }
    return projects;
}

Command alembic_upgrade(const RevisionProjects& projects, const std::string& database_url) {
    Command command;
    command.arguments = {
        "/usr/bin/alembic", "-c", projects.alembic / "alembic.ini", "upgrade", "head"};
    command.environment["DATABASE_URL"] = database_url;
    return command;
}

}  // namespace tapline::bench
