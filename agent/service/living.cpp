#include "agent/service/living.hpp"

#include <filesystem>

#include "agent/service/status_file.hpp"

namespace tapline::service {

namespace {

std::string real_path(const std::string& file) {
    std::error_code missing;
    const auto real = std::filesystem::weakly_canonical(file, missing);
    return missing ? file : real.string();
}

}  // namespace

std::vector<AgentStatus> living_agents(
    const std::string& status_file, const Environment& environment
) {
    std::vector<AgentStatus> living;
    for (const auto& found : find_status_files(status_file, environment)) {
        auto status = decode_status(found.text);
        if (found.alive && status) {
            living.push_back(std::move(*status));
        }
    }
    return living;
}

std::optional<ServedBy> served_by(const std::vector<AgentStatus>& agents, const std::string& file) {
    const auto wanted = real_path(file);
    std::optional<ServedBy> found;
    for (const auto& agent : agents) {
        for (const auto& journal : agent.journals) {
            if (real_path(journal.file) == wanted) {
                found = ServedBy{agent.pid, journal};
            }
        }
    }
    return found;
}

}  // namespace tapline::service
