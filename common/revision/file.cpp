#include "common/revision/file.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/revision/header.hpp"
#include "common/revision/section.hpp"

namespace tapline::revision {
namespace {

constexpr std::string_view suffix = ".sql";

/// The markers' directives; each section reaches to the next one or the end.
struct Markers {
    std::optional<Directive> upgrade;
    std::optional<Directive> downgrade;
};

bool is_marker(const Directive& each) {
    return each.verb == "upgrade" || each.verb == "downgrade";
}

Markers find_markers(const Source& source, std::span<const Token> tokens) {
    Markers markers;
    for (const Directive& each : find_directives(source, tokens)) {
        const bool is_upgrade = each.verb == "upgrade";
        if (!is_upgrade && each.verb != "downgrade") {
            if (!markers.upgrade) {
                syntax_error(
                    source,
                    each.line,
                    "'-- tapline: upgrade' first",
                    fmt::format("found '{}' outside a section", each.verb)
                );
            }
            continue;
        }
        auto& marker = is_upgrade ? markers.upgrade : markers.downgrade;
        if (marker || (is_upgrade && markers.downgrade)) {
            syntax_error(
                source,
                each.line,
                "one upgrade section, then one downgrade section",
                fmt::format("found another '{}'", each.verb)
            );
        }
        if (!is_upgrade && !markers.upgrade) {
            syntax_error(source, each.line, "'-- tapline: upgrade' first", "found 'downgrade'");
        }
        marker = each;
    }
    return markers;
}

std::string slug_of(const Source& source, const Revision& revision) {
    std::string_view stem = source.name;
    const bool sql = stem.ends_with(suffix);
    stem.remove_suffix(sql ? suffix.size() : 0);
    const bool named = stem.starts_with(revision.id);
    stem.remove_prefix(named ? revision.id.size() : 0);
    if (!sql || !named || (!stem.empty() && stem.front() != '_')) {
        syntax_error(
            source,
            revision.line,
            fmt::format("the file's name to be {0}.sql or {0}_<words>.sql", revision.id),
            fmt::format("it is '{}'", source.name)
        );
    }
    return std::string(stem.substr(stem.empty() ? 0 : 1));
}

void check_way_back(const Source& source, const Revision& revision, int last_line) {
    if (revision.irreversible && !revision.downgrade.statements.empty()) {
        syntax_error(
            source,
            revision.downgrade.line,
            "no SQL in the downgrade section of an irreversible revision",
            fmt::format("found {} statements", revision.downgrade.statements.size())
        );
    }
    if (!revision.irreversible && revision.downgrade.line == 0) {
        syntax_error(
            source,
            last_line,
            "'-- tapline: downgrade', or 'Irreversible: <why>' among the headers",
            "the file ends"
        );
    }
}

}  // namespace

Revision parse(const SourceFile& file, Dialect dialect, TransactionControl control) {
    const Source source{file.name, dialect};
    const std::string text = normalise(source, file.bytes);
    const std::vector<Token> all = tokenize(text, dialect);
    const std::span<const Token> tokens(all);
    const int last_line = 1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    check_terminated(source, tokens);
    const Markers markers = find_markers(source, tokens);
    if (!markers.upgrade) {
        syntax_error(source, last_line, "'-- tapline: upgrade'", "the file ends");
    }
    const std::size_t upgrade = markers.upgrade->token;
    const std::size_t downgrade = markers.downgrade ? markers.downgrade->token : tokens.size();
    Revision revision = read_header(source, tokens.first(upgrade), markers.upgrade->line);
    revision.file = file.name;
    revision.dialect = dialect;
    revision.slug = slug_of(source, revision);
    if (revision.message.empty()) {
        revision.message = revision.slug;
        std::replace(revision.message.begin(), revision.message.end(), '_', ' ');
    }
    revision.upgrade = read_section(source, tokens.subspan(upgrade, downgrade - upgrade), control);
    if (markers.downgrade) {
        revision.downgrade = read_section(source, tokens.subspan(downgrade), control);
    }
    check_way_back(source, revision, last_line);
    return revision;
}

Section parse_section(
    std::string_view raw, Dialect dialect, Direction direction, std::string_view name
) {
    const Source source{name, dialect};
    const std::string text = normalise(source, raw);
    const std::vector<Token> tokens = tokenize(text, dialect);
    check_terminated(source, tokens);
    const std::vector<Directive> directives = find_directives(source, tokens);
    if (directives.empty() || directives.front().token != 0 ||
        directives.front().verb != to_string(direction) ||
        std::count_if(directives.begin(), directives.end(), is_marker) != 1) {
        syntax_error(
            source,
            1,
            fmt::format("one section that begins with '-- tapline: {}'", to_string(direction)),
            "found something else"
        );
    }
    return read_section(source, tokens, TransactionControl::refuse);
}

bool has_sections(const SourceFile& file, Dialect dialect) {
    const Source source{file.name, dialect};
    const std::string text = normalise(source, file.bytes);
    const auto directives = find_directives(source, tokenize(text, dialect));
    return std::any_of(directives.begin(), directives.end(), is_marker);
}

Section parse_plain(const SourceFile& file, Dialect dialect, TransactionControl control) {
    const Source source{file.name, dialect};
    const std::string text = normalise(source, file.bytes);
    const std::vector<Token> tokens = tokenize(text, dialect);
    check_terminated(source, tokens);
    return read_plain(source, tokens, control);
}

}  // namespace tapline::revision
