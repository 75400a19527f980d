#include "central/import/traceback.hpp"

#include <filesystem>
#include <sstream>

#include <fmt/format.h>

#include "common/log.hpp"

namespace tapline::alembic {

namespace {

constexpr std::size_t shown_reason_bytes = 300;

const std::string frame_start = "  File \"";

/// Index of the last line of a traceback that names a file; lines.size(): none does.
std::size_t last_frame(const std::vector<std::string>& lines, const std::string& path) {
    std::size_t found = lines.size();
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].starts_with(frame_start + path)) {
            found = i;
        }
    }
    return found;
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::string exception_line(const ChildEnd& end) {
    const std::vector<std::string> lines = lines_of(end.err);
    for (std::size_t i = last_frame(lines, ""); i < lines.size(); ++i) {
        if (!lines[i].empty() && lines[i].front() != ' ') {
            return lines[i];
        }
    }
    std::string last;
    for (const std::string& text : {end.err, end.out}) {
        for (const std::string& line : lines_of(text)) {
            if (line.find("FAILED: ") != std::string::npos) {
                return line.substr(line.find("FAILED: ") + 8);
            }
            last = line.empty() ? last : line;
        }
    }
    return last.empty() ? fmt::format("exit code {}", end.exit_code) : last;
}

std::string reason_of(const ChildEnd& end, const std::string& path) {
    const std::vector<std::string> lines = lines_of(end.err);
    const std::size_t frame = last_frame(lines, path + "\"");
    std::string place;
    if (frame < lines.size()) {
        const std::string& line = lines[frame];
        const std::size_t number = line.find(", line ");
        if (number != std::string::npos) {
            const std::size_t begin = number + 7;
            place = fmt::format(
                " ({} line {})",
                std::filesystem::path(path).filename().string(),
                line.substr(begin, line.find(',', begin) - begin)
            );
        }
    }
    return printable(exception_line(end), shown_reason_bytes) + place;
}

bool raised_by_author(const ChildEnd& end, const std::string& path) {
    const std::vector<std::string> lines = lines_of(end.err);
    const std::size_t frame = last_frame(lines, "");
    if (frame + 1 >= lines.size() || frame != last_frame(lines, path + "\"")) {
        return false;
    }
    const std::size_t first = lines[frame + 1].find_first_not_of(' ');
    return first != std::string::npos && lines[frame + 1].substr(first).starts_with("raise");
}

}  // namespace tapline::alembic
