#include "agent/journal/run_section.hpp"

#include <algorithm>

#include "agent/journal/rebuild.hpp"

namespace tapline::journal {

void run_statements(
    Database& database,
    const revision::Section& section,
    const std::function<void(std::size_t number)>& before
) {
    for (std::size_t i = 0; i < section.statements.size(); ++i) {
        if (before) {
            before(i + 1);
        }
        const std::string& sql = section.statements[i].text;
        const auto rebuild = std::find_if(
            section.rebuilds.begin(),
            section.rebuilds.end(),
            [&](const revision::Rebuild& each) { return each.statement == i; }
        );
        if (rebuild == section.rebuilds.end()) {
            database.exec(sql);
        } else {
            rebuild_table(database, *rebuild, sql);
        }
    }
}

}  // namespace tapline::journal
