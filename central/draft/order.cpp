// What comes first: what is mentioned before what mentions it.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "central/draft/draft.hpp"

namespace tapline::draft {

namespace {

using Name = std::pair<std::string, std::string>;

/// Names in a text of SQL, also inside its strings: '…'::regclass mentions a sequence.
struct Mentions {
    std::set<Name> qualified;
    std::set<std::string> words;
};

bool is_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

/// The identifier at `at`, which moves behind it; empty where there is none.
std::string take_word(std::string_view text, std::size_t& at) {
    std::string word;
    if (text[at] == '"') {
        for (++at; at < text.size(); ++at) {
            if (text[at] == '"' && (at + 1 == text.size() || text[at + 1] != '"')) {
                ++at;
                break;
            }
            at += text[at] == '"' ? 1U : 0U;
            word += text[at];
        }
        return word;
    }
    while (at < text.size() && is_word(text[at])) {
        word += text[at++];
    }
    return word;
}

Mentions mentions_in(std::string_view text) {
    Mentions mentions;
    std::string before;
    for (std::size_t at = 0; at < text.size();) {
        std::string word = take_word(text, at);
        if (word.empty()) {
            before.clear();
            at += at < text.size() ? 1U : 0U;
            continue;
        }
        if (!before.empty()) {
            mentions.qualified.emplace(before, word);
        }
        mentions.words.insert(word);
        const bool dot = at < text.size() && text[at] == '.';
        before = dot ? std::move(word) : std::string();
        at += dot ? 1U : 0U;
    }
    return mentions;
}

/// Of each item, the indices of those that it needs.
class Needs {
  public:
    explicit Needs(const std::vector<Item>& items) : needs_(items.size()) {
        std::map<Name, std::vector<std::size_t>> makers;
        std::map<Name, std::vector<std::size_t>> columns;
        for (std::size_t i = 0; i < items.size(); ++i) {
            for (const Name& name : items[i].provides) {
                makers[name].push_back(i);
            }
            if (!items[i].column.empty()) {
                columns[items[i].table].push_back(i);
            }
        }
        for (std::size_t i = 0; i < items.size(); ++i) {
            const Mentions mentions = mentions_in(items[i].up);
            for (const Name& name : mentions.qualified) {
                for (const std::size_t maker : makers[name]) {
                    add(i, maker);
                }
                for (const std::size_t maker : columns[name]) {
                    if (mentions.words.contains(items[maker].column)) {
                        add(i, maker);
                    }
                }
            }
        }
    }

    [[nodiscard]] const std::set<std::size_t>& of(std::size_t item) const { return needs_[item]; }

  private:
    void add(std::size_t item, std::size_t maker) {
        if (item != maker) {
            needs_[item].insert(maker);
        }
    }

    std::vector<std::set<std::size_t>> needs_;
};

/// A proposal runs nothing, so what stands on it can't be written out either.
void propose_dependents(std::vector<Item>& items, const Needs& needs) {
    for (bool again = true; again;) {
        again = false;
        for (std::size_t i = 0; i < items.size(); ++i) {
            for (const std::size_t maker : needs.of(i)) {
                // Only what makes something holds others up: a proposed comment doesn't.
                const bool makes = !items[maker].provides.empty() || !items[maker].column.empty();
                if (!items[i].proposed() && items[maker].proposed() && makes) {
                    items[i].decide =
                        fmt::format("it needs {}, which isn't decided", items[maker].object);
                    again = true;
                }
            }
        }
    }
}

/// Steps of one object that span files: without the first, the later ones can't run.
void propose_later_steps(std::vector<Item>& items) {
    for (const Item& first : std::vector<Item>(items)) {
        if (!first.proposed() || first.up.empty() || first.rank == Rank::proposal) {
            continue;
        }
        for (Item& item : items) {
            if (item.object == first.object && !item.proposed()) {
                item.decide = "it is a step of what isn't decided yet";
            }
        }
    }
}

}  // namespace

void put_in_order(std::vector<Item>& items) {
    const Needs needs(items);
    const auto proposals = [&items] {
        return std::count_if(items.begin(), items.end(), [](const Item& each) {
            return each.proposed();
        });
    };
    for (auto before = proposals() - 1; before != proposals();) {
        before = proposals();
        propose_later_steps(items);
        propose_dependents(items, needs);
    }
    std::vector<std::size_t> left(items.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
        left[i] = i;
    }
    std::stable_sort(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
        const auto key = [](const Item& item) {
            return std::tie(item.stage, item.rank, item.table, item.position, item.object);
        };
        return key(items[a]) < key(items[b]);
    });
    std::vector<std::size_t> order;
    std::set<std::size_t> done;
    while (!left.empty()) {
        auto next = std::find_if(left.begin(), left.end(), [&](std::size_t each) {
            const std::set<std::size_t>& wanted = needs.of(each);
            return std::all_of(wanted.begin(), wanted.end(), [&](std::size_t maker) {
                return done.contains(maker) || items[maker].stage > items[each].stage;
            });
        });
        // A circle, which only names in strings can make: the first by rank goes first.
        next = next == left.end() ? left.begin() : next;
        order.push_back(*next);
        done.insert(*next);
        left.erase(next);
    }
    std::vector<Item> sorted;
    std::set<std::size_t> behind;
    for (const std::size_t each : order) {
        sorted.push_back(items[each]);
        Item& item = sorted.back();
        // Goes with its container, unless something that it needs has to go before that.
        bool waits = false;
        for (const std::size_t maker : needs.of(each)) {
            const auto at = [&](const std::string& object) {
                return std::find_if(sorted.begin(), sorted.end(), [&](const Item& one) {
                    return one.object == object;
                });
            };
            waits = waits || at(items[maker].object) > at(item.container);
        }
        if (!item.container.empty() && !waits && !item.proposed()) {
            item.down.clear();
        }
    }
    items = std::move(sorted);
}

}  // namespace tapline::draft
