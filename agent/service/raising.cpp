#include "agent/service/raising.hpp"

#include <utility>

#include "agent/journal/adopt.hpp"
#include "agent/journal/central_word.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/raise.hpp"

namespace tapline::service {

sync::Raising raising_of(
    std::string file,
    std::vector<std::string> writer_statements,
    boost::asio::any_io_executor thread
) {
    sync::Raising raising;
    raising.target = [](const std::string& current, const std::string& central) {
        auto target = journal::highest_for(journal::journal_lineage(), current, central);
        return target == current ? std::string() : target;
    };
    raising.remember = [file](const std::string& central, const std::string& minimum) {
        journal::remember_central(journal::real_journal_path(file), {central, minimum});
    };
    raising.run = [file, statements = std::move(writer_statements)](const std::string& target) {
        journal::MigrateOptions options;
        options.writer_statements = statements;
        static_cast<void>(journal::migrate_file(file, revision::Direction::upgrade, target, options)
        );
    };
    raising.thread = std::move(thread);
    return raising;
}

}  // namespace tapline::service
