// The rules of one policy: its own, and those that its services take from packs. Turns what a service
// writes ("pii/*", "secrets/aws-key-id", "local/ticket") into positions in one list.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/unit.h"
#include "rules/fields.h"
#include "rules/pack.h"
#include "rules/rule.h"

namespace sluice::rules {

class RuleBook {
 public:
  RuleBook(const PackSource& packs, Report& report) : packs_(packs), report_(report) {}

  void read_local(const YamlNode& list);
  // Ascending, each once. What can not be found is reported.
  std::vector<RuleIndex> resolve(const YamlNode& list);
  std::vector<Rule> take() { return std::move(rules_); }

 private:
  struct Group {
    bool whole = false;            // read without problems
    std::vector<Rule> rules;       // of a pack: all of them, taken or not
    std::vector<RuleIndex> taken;  // parallel: position in rules_, kNotTaken where no service asked
  };
  static constexpr RuleIndex kNotTaken = ~RuleIndex{0};

  void resolve_one(const YamlNode& item, std::vector<RuleIndex>& out);
  Group* find_group(const std::string& name, Position at);
  Group load_pack(const std::string& name, Position at);
  RuleIndex take_rule(Group& group, std::size_t position);

  const PackSource& packs_;
  Report& report_;
  std::map<std::string, Group> groups_;
  std::vector<Rule> rules_;
};

}  // namespace sluice::rules
