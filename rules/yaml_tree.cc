// Builds the tree from yaml-cpp's events, never from its Node, which would expand aliases before
// anyone could count. yaml-cpp throws; nothing thrown leaves this file.
#include "rules/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace sluice::rules {
namespace {

Position position_of(const YAML::Mark& mark) {
  if (mark.line < 0) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

// Thrown by the handler to stop yaml-cpp at once; the problem is already noted.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view source, std::string_view file, Problems& problems)
      : source_(source), file_(file), problems_(problems) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& /*name*/) override {
    stop(mark, "anchors and aliases (& and *) are not read", "write the value out where it is used");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { OnAnchor(mark, {}); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { add(mark, YamlNode::Kind::null, {}); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    check_tag(mark, tag);
    add(mark, YamlNode::Kind::scalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open(mark, YamlNode::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open(mark, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    std::optional<YamlNode> key;                       // of a map: read, its value is next
    std::unordered_map<std::string, Position> seen{};  // keys of a map
  };

  [[noreturn]] void stop(const YAML::Mark& mark, std::string text, std::string suggestion) {
    const Position at = position_of(mark);
    problems_.push_back({std::string(file_), at.line, at.column, std::move(text), std::move(suggestion)});
    throw Stop{};
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    // yaml-cpp names plain scalars "?" and quoted ones "!".
    if (tag.empty() || tag == "?" || tag == "!") return;
    stop(mark, fmt::format("tag {} is not read", show(tag)), "leave it out");
  }

  bool expects_key() const {
    return !stack_.empty() && stack_.back().node.kind == YamlNode::Kind::map && !stack_.back().key;
  }

  YamlNode make(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++values_ > kMaxYamlValues)
      stop(mark, fmt::format("more than {} values", kMaxYamlValues), "split the file or shorten it");
    YamlNode node;
    node.kind = kind;
    node.position = position_of(mark);
    return node;
  }

  void add(const YAML::Mark& mark, YamlNode::Kind kind, std::string text) {
    YamlNode node = make(mark, kind);
    node.text = std::move(text);
    node.text_column = text_column(mark, node.text);
    if (!expects_key()) return attach(std::move(node));
    if (kind != YamlNode::Kind::scalar) stop(mark, "a key is missing before the colon", "write `key: value`");
    stack_.back().key = std::move(node);
  }

  std::uint32_t text_column(const YAML::Mark& mark, std::string_view text) const {
    if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) >= source_.size()) return 0;
    const std::string_view rest = source_.substr(static_cast<std::size_t>(mark.pos));
    const std::size_t quote = rest.front() == '\'' || rest.front() == '"' ? 1 : 0;
    if (!rest.substr(quote).starts_with(text)) return 0;
    return position_of(mark).column + static_cast<std::uint32_t>(quote);
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (expects_key()) stop(mark, "a list or map stands where a key is expected", "write `key: value`");
    if (stack_.size() >= kMaxYamlDepth)
      stop(mark, fmt::format("nested more than {} levels deep", kMaxYamlDepth), "a policy needs far less");
    stack_.push_back({make(mark, kind), std::nullopt});
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    attach(std::move(node));
  }

  void attach(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node.kind == YamlNode::Kind::map) {
      node.key = std::move(parent.key->text);
      node.key_position = parent.key->position;
      parent.key.reset();
      const auto [first, fresh] = parent.seen.emplace(node.key, node.key_position);
      if (!fresh) {
        problems_.push_back({std::string(file_), node.key_position.line, node.key_position.column,
                             fmt::format("key {} is given twice", show(node.key)),
                             fmt::format("it already stands in line {}", first->second.line)});
        return;
      }
      // The mark of an absent value is that of whatever follows it.
      if (node.kind == YamlNode::Kind::null) node.position = node.key_position;
    }
    parent.node.children.push_back(std::move(node));
  }

  std::string_view source_;
  std::string_view file_;
  Problems& problems_;
  std::vector<Frame> stack_;
  YamlNode root_;
  std::size_t values_ = 0;
};

// Length of the well-formed UTF-8 sequence (RFC 3629) at the front, 0 for none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                             : (lead & 0xf0) == 0xe0       ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool outside = (lead == 0xed && byte(1) >= 0xa0) || (lead == 0xf4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : length;
}

// yaml-cpp guesses encodings and takes some control characters for its own signs; here only clean UTF-8
// gets as far as it.
std::optional<Problem> find_bad_character(std::string_view source, std::string_view file) {
  Position at{1, 1};
  for (std::size_t i = 0; i < source.size();) {
    const auto c = static_cast<unsigned char>(source[i]);
    const std::size_t length = utf8_length(source.substr(i));
    if (length == 0)
      return Problem{std::string(file), at.line, at.column, "bytes that are no UTF-8", "save the file as UTF-8"};
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f || source.substr(i, 3) == "\xef\xbb\xbf")
      return Problem{std::string(file), at.line, at.column, "a control character or byte order mark", "remove it"};
    ++at.column;
    if (c == '\n') at = {at.line + 1, 1};
    i += length;
  }
  return std::nullopt;
}

}  // namespace

std::expected<YamlNode, Problems> parse_yaml(std::string_view source, std::string_view file_name) {
  const std::string file(file_name);
  if (source.size() > kMaxYamlBytes)
    return std::unexpected(
        Problems{{file, 0, 0, fmt::format("larger than {} bytes", kMaxYamlBytes), "split or shorten it"}});
  if (auto bad = find_bad_character(source, file_name)) return std::unexpected(Problems{*std::move(bad)});

  Problems problems;
  TreeBuilder builder(source, file_name, problems);
  try {
    // yaml-cpp takes a quote that is never closed for closed when the file ends in a line feed.
    std::istringstream stream{std::string(source.substr(0, source.find_last_not_of(" \t\r\n") + 1))};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      problems.push_back({file, 0, 0, "the file is empty", "at least `services:` is expected"});
    } else if (YamlNode root = builder.take_root(); parser.HandleNextDocument(builder)) {
      problems.push_back({file, 0, 0, "a second document (after `---`)", "one file holds one document"});
    } else if (problems.empty()) {
      return root;
    }
  } catch (const Stop&) {
  } catch (const YAML::Exception& error) {
    const Position at = position_of(error.mark);
    problems.push_back({file, at.line, at.column, error.msg, "the YAML itself is malformed here"});
  }
  return std::unexpected(std::move(problems));
}

}  // namespace sluice::rules
