// What the grammar's nodes for statements are in our words.
#pragma once

#include <string_view>

#include "dataplane/sql/facts.h"

namespace sluice::sql {

struct NodeKind {
  Kind kind = Kind::other;
  Object object = Object::none;
};

// "DropStmt"; `other` for what is not known.
NodeKind kind_of_node(std::string_view node);
// "OBJECT_TABLE"
Object object_of(std::string_view name);

}  // namespace sluice::sql
