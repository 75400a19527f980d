#include "common/revision/resolve.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace tapline::revision {
namespace {

using Ids = std::vector<std::string>;

[[noreturn]] void fail(const char* code, const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::usage, code, what, hint);
}

/// `name`, `name+N`, `name-N`, `+N`, `-N`. A label@ would be cut off name by lookup.
struct Parsed {
    std::string_view name;
    std::optional<int> steps;
};

Parsed parse_text(std::string_view text) {
    const std::size_t sign = text.find_first_of("+-");
    if (sign == std::string_view::npos) {
        return {text, std::nullopt};
    }
    constexpr int most_steps = 1'000'000;
    int steps = 0;
    const std::string_view digits = text.substr(sign + 1);
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, steps);
    if (error != std::errc{} || stop != end || steps < 0 || steps > most_steps) {
        fail(
            "not_found",
            fmt::format("'{}' is neither a revision nor a number of steps", text),
            "write an id, the start of one, head, heads, base, +2, -1, or an id with +2 or -1"
        );
    }
    return {text.substr(0, sign), text[sign] == '+' ? steps : -steps};
}

/// An exact id wins over longer ones that begin with it.
std::string lookup_id(const Lineage& lineage, std::string_view name) {
    if (lineage.find(name) != nullptr) {
        return std::string(name);
    }
    Ids found;
    for (const Revision& revision : lineage.revisions()) {
        if (!name.empty() && revision.id.starts_with(name)) {
            found.push_back(revision.id);
        }
    }
    if (found.empty()) {
        fail(
            "not_found",
            fmt::format("no revision is called '{}' or begins with it", name),
            "'history' lists the ids; is the file in the directory that was read?"
        );
    }
    if (found.size() > 1) {
        fail(
            "ambiguous",
            fmt::format("'{}' fits {} revisions: {}", name, found.size(), fmt::join(found, ", ")),
            "write more of the id"
        );
    }
    return found.front();
}

/// Names without steps. Labels join here.
Ids lookup(const Lineage& lineage, std::string_view name) {
    if (name == "base") {
        return {};
    }
    if (name == "heads") {
        return lineage.heads();
    }
    if (name != "head") {
        return {lookup_id(lineage, name)};
    }
    if (lineage.heads().size() > 1) {
        fail(
            "multiple_heads",
            fmt::format(
                "'head' fits {} revisions: {}",
                lineage.heads().size(),
                fmt::join(lineage.heads(), ", ")
            ),
            "name one of them, or write 'heads' for all"
        );
    }
    return lineage.heads();
}

/// One step up (children; of base: the bases) or down (parents; below a base revision: base).
/// nullopt: off the end of the graph.
std::optional<Ids> one_step(const Lineage& lineage, const Ids& from, bool up) {
    if (from.empty() && !up) {
        return std::nullopt;
    }
    if (from.empty()) {
        return lineage.bases().empty() ? std::nullopt : std::optional(lineage.bases());
    }
    if (!up) {
        return lineage.at(from.front()).revises;
    }
    const Ids& children = lineage.children(from.front());
    return children.empty() ? std::nullopt : std::optional(children);
}

Ids walk(const Lineage& lineage, Ids from, int steps, std::string_view text) {
    const bool up = steps > 0;
    const int wanted = up ? steps : -steps;
    for (int done = 0; done < wanted; ++done) {
        const auto next = one_step(lineage, from, up);
        if (!next) {
            fail(
                "too_many_steps",
                fmt::format("'{}' asks for {} steps, and only {} are there", text, wanted, done),
                up ? "write 'head' to go to the end" : "write 'base' to go to the beginning"
            );
        }
        if (next->size() > 1) {
            fail(
                "ambiguous",
                fmt::format(
                    "'{}' comes to a fork at {}: {}",
                    text,
                    from.empty() ? "base" : from.front(),
                    fmt::join(*next, ", ")
                ),
                "name the revision instead of counting steps"
            );
        }
        from = *next;
    }
    return from;
}

/// Several heads can't be walked from.
Ids single(Ids ids, std::string_view text) {
    if (ids.size() > 1) {
        fail(
            "multiple_heads",
            fmt::format("'{}' counts from several heads: {}", text, fmt::join(ids, ", ")),
            "name the one to count from, as in <id>-1"
        );
    }
    return ids;
}

}  // namespace

std::vector<std::string> resolve(const Lineage& lineage, std::string_view text) {
    const Parsed parsed = parse_text(text);
    const Ids named = lookup(lineage, parsed.name);
    return parsed.steps ? walk(lineage, single(named, text), *parsed.steps, text) : named;
}

std::vector<std::string> resolve_target(
    const Lineage& lineage,
    const std::vector<std::string>& applied,
    Direction direction,
    std::string_view text
) {
    const Parsed parsed = parse_text(text);
    if (!parsed.name.empty() || !parsed.steps) {
        return resolve(lineage, text);
    }
    const bool up = text.front() == '+';
    if (up != (direction == Direction::upgrade)) {
        fail(
            "wrong_direction",
            fmt::format("{} {} would go the other way", to_string(direction), text),
            up ? "write 'upgrade' for +N" : "write 'downgrade' for -N"
        );
    }
    for (const std::string& id : applied) {
        (void)lineage.at(id);
    }
    return walk(lineage, single(applied, text), *parsed.steps, text);
}

}  // namespace tapline::revision
