// What the rooms of the draft share: the two sides, and the items so far. Private to central/draft.
#pragma once

#include <functional>
#include <optional>

#include "central/draft/draft.hpp"
#include "central/draft/name.hpp"

namespace tapline::draft {

class Builder {
  public:
    explicit Builder(const Sides& sides);

    void add(const catalog::Finding& finding);

    const Sides& sides;
    std::vector<Item> items;

    [[nodiscard]] const catalog::Object& wanted(const std::string& object) const {
        return sides.wanted.objects.at(object);
    }

    /// Keys of what is a part of an object, on the wanted side.
    [[nodiscard]] const std::vector<std::string>& parts_of(const std::string& object) const;

    /// The relation of a word is on the wanted side only.
    [[nodiscard]] bool is_new(const Word& word) const;
    /// "table pours" for a trigger's or an index's relation, whatever its kind; empty: not known.
    [[nodiscard]] std::string relation_of(const Word& word) const;
    /// A unique index or key is added to that table, which exists already.
    [[nodiscard]] bool gets_keys(const std::string& table) const;

    /// The item is a part of a container that is new too.
    Item& put(Item item);
    Item& propose(std::string object, std::string up, std::string down, std::string decide);

    void added(const std::string& object);
    void changed(const catalog::Finding& finding);
    void removed(const catalog::Finding& finding);
    /// Suspected renames among the findings; returns the objects that are told by them.
    std::set<std::string> renames(const std::vector<catalog::Finding>& findings);

    /// Whether lint finds nothing that blocks in these statements upon what exists.
    [[nodiscard]] bool is_harmless(const std::string& sql) const;

  private:
    std::map<std::string, std::vector<std::string>> parts_;
};

/// "" for what isn't there.
[[nodiscard]] std::string value_of(const catalog::Attributes& attributes, const std::string& name);

/// "TABLE public.pours", "COLUMN public.pours.x", "TRIGGER t ON public.pours": what COMMENT ON and
/// the like call it. relation: the kind of the relation that a trigger is on.
[[nodiscard]] std::string spoken(const Word& word);

/// COMMENT ON, GRANT and the owner of a new object, each on its line; told proposals go to builder.
[[nodiscard]] std::string properties(Builder& builder, const std::string& object);

/// What makes the sequence behind an identity column differ from the default: "(START WITH 100)".
[[nodiscard]] std::string sequence_options(const catalog::Attributes& sequence, bool with_type);

/// The text of a column as ADD COLUMN and CREATE TABLE take it.
struct ColumnText {
    std::string type;           ///< name, type, collation, compression
    std::string default_value;  ///< " DEFAULT 0", or GENERATED …
    std::string not_null;       ///< " NOT NULL"
    std::string after;          ///< statements for what the definition can't say
};

[[nodiscard]] ColumnText column_text(Builder& builder, const std::string& object);

// One per family of kinds.
void add_table(Builder& builder, const std::string& object);
void add_column(Builder& builder, const std::string& object);
void add_constraint(Builder& builder, const std::string& object);
void add_index(Builder& builder, const std::string& object);
void add_sequence(Builder& builder, const std::string& object);
void add_view(Builder& builder, const std::string& object);
void add_part(Builder& builder, const std::string& object);
void add_statistics(Builder& builder, const std::string& object);
void add_publication(Builder& builder, const std::string& object);
void add_event_trigger(Builder& builder, const std::string& object);
void add_type(Builder& builder, const std::string& object);
void add_domain(Builder& builder, const std::string& object);
void add_collation(Builder& builder, const std::string& object);
void add_routine(Builder& builder, const std::string& object);
/// CREATE [OR REPLACE] FUNCTION …; empty where the catalog doesn't say enough.
[[nodiscard]] std::string routine_sql(
    const std::string& object, const catalog::Attributes& attributes, bool replace
);

/// DROP …, as the proposal and the way back say it; empty: there is no such statement here.
[[nodiscard]] std::string drop_sql(const std::string& object);

}  // namespace tapline::draft
