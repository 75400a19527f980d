#include "agent/handover/texts.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "common/config.hpp"

namespace tapline::handover {

namespace {

constexpr std::string_view marker = "# By `tapline-agent journal handover`; one line per journal.";

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line.substr(0, line.find_last_not_of(" \t\r") + 1));
    }
    return lines;
}

bool holds(const std::vector<std::string>& lines, const std::string& line) {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

/// Between quotes, as TOML's basic strings and systemd both take it.
std::string in_quotes(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    return quoted + "\"";
}

/// Neither file can hold it in a line that a person would recognise.
bool has_control(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
}

NewText refuse(const std::string& why, const std::string& to_write) {
    NewText refused;
    refused.refusal = why;
    refused.to_write = to_write;
    return refused;
}

}  // namespace

std::string systemd_path(const std::string& path) {
    std::string doubled;
    for (const char c : path) {
        doubled += c;
        if (c == '%') {
            doubled += '%';
        }
    }
    const bool plain = doubled.find_first_of(" \"'\\") == std::string::npos;
    return plain ? doubled : in_quotes(doubled);
}

NewText drop_in_text(const DropIn& wanted, const std::optional<std::string>& old) {
    const auto user = "User=" + wanted.user;
    const auto group = "Group=" + wanted.group;
    const auto path = "ReadWritePaths=" + systemd_path(wanted.directory);
    const auto body = fmt::format("[Service]\n{}\n{}\n{}\n", user, group, path);
    if (has_control(wanted.directory)) {
        return refuse("the directory's name has a control character", "");
    }
    if (!old) {
        return {fmt::format("{}\n{}", marker, body), true, "", ""};
    }
    const auto lines = lines_of(*old);
    const bool same_owner = holds(lines, user) && holds(lines, group);
    if (same_owner && holds(lines, path)) {
        return {*old, false, "", ""};
    }
    const bool ours = !lines.empty() && lines.front() == marker;
    if (!ours) {
        return refuse("a person wrote it, and these lines aren't in it", body);
    }
    if (!same_owner) {
        return refuse(
            fmt::format(
                "it is there for journals of another user, and one service runs as one user; this "
                "journal is {}'s",
                wanted.user
            ),
            body
        );
    }
    return {*old + path + "\n", true, "", ""};
}

NewText settings_text(
    const std::optional<std::string>& old, const std::string& journal, const SameFile& same
) {
    if (has_control(journal)) {
        return refuse("the journal's name has a control character", "");
    }
    const std::string text = old.value_or("");
    auto now = ConfigFile::parse(text, "agent.toml");
    const auto named = now.texts("journal");
    const bool named_there = std::any_of(named.begin(), named.end(), [&](const auto& one) {
        return same(one, journal);
    });
    if (named_there) {
        return {text, false, "", ""};
    }
    if (now.has("journal")) {
        std::string list;
        for (const auto& one : named) {
            list += in_quotes(one) + ", ";
        }
        return refuse(
            named.empty() ? "its list of journals is empty" : "it names another journal",
            fmt::format("journal = [{}{}]\n", list, in_quotes(journal))
        );
    }
    const auto line = fmt::format("journal = {}\n", in_quotes(journal));
    const bool whole_lines = text.empty() || text.ends_with('\n');
    const auto longer = text + (whole_lines ? "" : "\n") + line;
    auto then = ConfigFile::parse(longer, "agent.toml");
    if (then.texts("journal") != std::vector{journal}) {
        return refuse("a [section] stands in it, and a line at its end would belong there", line);
    }
    return {longer, true, "", ""};
}

}  // namespace tapline::handover
