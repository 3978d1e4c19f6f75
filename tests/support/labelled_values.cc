// See labelled_values.h.
#include "tests/support/labelled_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "tests/support/personal_values.h"

namespace sluice::test {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kUrlBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string_view alphabet_of(char letter) {
  switch (letter) {
    case 'd':
      return kDigits;
    case 'h':
      return "0123456789abcdef";
    case 'u':
      return kUpper;
    case 'l':
      return "abcdefghijklmnopqrstuvwxyz0123456789";
    case 'b':
      return "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    case 'a':
      return kAlphanumeric;
    case 'w':
      return kUrlBase64;
    case 'm':
      return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    case 'i':
      return kLetters;
    default:
      throw std::runtime_error("no such alphabet");
  }
}

// "ghp_<a36>": 36 letters and digits; <h20-40>: 20 to 40 of them.
std::string filled(std::string_view form, Random& random) {
  std::string out;
  while (!form.empty()) {
    const std::size_t close = form.find('>');
    if (form[0] != '<' || form.size() < 3 || !kDigits.contains(form[2])) {
      out += form[0];
      form.remove_prefix(1);
      continue;
    }
    const std::string inside(form.substr(2, close - 2));
    const std::size_t dash = inside.find('-');
    const std::uint64_t least = std::stoul(inside);
    const std::uint64_t most = dash == std::string::npos ? least : std::stoul(inside.substr(dash + 1));
    const std::string_view alphabet = alphabet_of(form[1]);
    for (std::uint64_t left = least + random.below(most - least + 1); left > 0; --left)
      out += alphabet[random.below(alphabet.size())];
    form.remove_prefix(close + 1);
  }
  return out;
}

// base64url of text, without padding.
std::string base64(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (have += 8; have >= 6; have -= 6) out += kUrlBase64[bits >> (have - 6) & 63];
  }
  if (have > 0) out += kUrlBase64[bits << (6 - have) & 63];
  return out;
}

std::string json_web_token(Random& random) {
  return base64(R"({"alg":"HS256","typ":"JWT"})") + "." +
         base64(fmt::format(R"({{"sub":"{}","iat":{}}})", filled("<d10>", random), filled("<d10>", random))) + "." +
         filled("<w43>", random);
}

std::string discord_token(Random& random) {
  return base64("1" + filled("<d16-18>", random)) + filled(".<w6>.<w27-38>", random);
}

std::string private_key(std::string_view kind, Random& random) {
  std::string out = fmt::format("-----BEGIN {}PRIVATE KEY-----\n", kind);
  for (int line = 0; line < 12; ++line) out += filled("<m64>\n", random);
  return out + filled("<m40>", random);
}

// What is secret stands in \1 … \2 where it is not all of the value.
using Forms = std::vector<std::string_view>;
const std::map<std::string_view, Forms>& forms() {
  static const std::map<std::string_view, Forms> kForms = {
      {"secrets/bearer", {"Bearer <w43>", "bearer <m40>=="}},
      {"secrets/basic-auth", {"Basic <m40>", "Basic <m26>=="}},
      {"pii-wide/date-of-birth",
       {"born \0011990-05-1<d1>\002", "date_of_birth=\0011<d1>/05/1987\002", "Birthday: \001March 1<d1>, 1990\002",
        "dob: \0011<d1> May 1961\002"}},
      {"pii-wide/phone-national",
       {"phone=\001(202) 555-0<d3>\002", "mobile: \00107700 900<d3>\002", "Tel. \001030 90<d4>\002",
        "fax \001202.555.0<d3>\002"}},
      {"pii-wide/us-ssn-field", {"ssn=\0010<d8>\002", "social security: \0011<d8>\002"}},
      {"secrets-wide/url-password",
       {"postgres://app:\001<a24>\002@db.example:5432/orders", "mongodb+srv://app:\001<w12>\002@db.example/",
        "redis://:\001<a32>\002@cache.example:6379/0", "amqps://app:\001<a8>!<a8>\002@queue.example/x",
        "https://ada:\001<w12>\002@host.example/path"}},
      {"secrets-wide/oracle-password", {"jdbc:oracle:thin:app/\001<a16>\002@//db.example:1521/orders"}},
      {"secrets-wide/password-field",
       {"password=\001<w12-24>\002", "db_passwd: \001<a8>!<a6>\002", "PGPASSWORD=\001<a20>\002",
        "{\"password\":\"\001<w16>\002\"}", "<password>\001<a16>\002</password>",
        "Server=db;Uid=app;Pwd=\001<a16>\002;"}},
      {"secrets-wide/sql-password",
       {"CREATE USER app IDENTIFIED BY '\001<a16>\002'", "ALTER ROLE app WITH PASSWORD '\001<w20>\002' LOGIN"}},
      {"secrets-wide/key-field",
       {"api_key=\001<a32>\002", "client_secret: \001<w40>\002", "{\"access_token\":\"\001<w64>\002\"}",
        "X-Api-Key: \001<h40>\002", "AccountKey=\001<m86>==\002;"}},
      {"secrets-wide/aws-secret-key",
       {"aws_secret_access_key = \001<m40>\002", "{\"SecretAccessKey\":\"\001<m40>\002\"}",
        "<SecretAccessKey>\001<m40>\002</SecretAccessKey>"}},
      {"secrets-wide/azure-sas",
       {"https://example.blob.core.windows.net/c?sv=2024-11-04&sig=\001<a40>%2B<a2>%3D\002&se=2026"}},
      {"secrets-wide/paypal-secret", {"PAYPAL_CLIENT_SECRET=\001E<w79>\002", "{\"paypal_secret\":\"\001E<w79>\002\"}"}},
      {"secrets/aws-key-id", {"AKIA<b16>", "ASIA<b16>"}},
      {"secrets/google-api-key", {"AIza<w35>"}},
      {"secrets-wide/google-oauth", {"GOCSPX-<w28>", "ya29.<w80-200>"}},
      {"secrets-wide/azure-client-secret", {"<a3>8Q~<a34>", "<a3>7Q~<w31>"}},
      {"secrets-wide/vault-token", {"hvs.<w24>", "hvs.<w90>", "hvb.<w140>"}},
      {"secrets/github-token",
       {"ghp_<a36>", "gho_<a36>", "ghu_<a36>", "ghs_<a36>", "ghr_<a76>", "github_pat_<a22>_<a59>"}},
      {"secrets/gitlab-token", {"glpat-<w20>", "gldt-<w20>", "glptt-<h40>", "glrt-<w20>", "glpat-<w27>.01.<l9>"}},
      {"secrets-wide/bitbucket-token",
       {"ATBB<a24>EA4321F0", "ATCTT3xFfGN0<w160>=EA4321F0", "ATATT3xFfGF0<w170>=EA4321F0"}},
      {"secrets/slack-token", {"xoxb-<d12>-<d12>-<a24>", "xoxp-<d12>-<d12>-<d13>-<h32>"}},
      {"secrets-wide/slack-webhook", {"hooks.slack.com/services/T<a8-10>/B<a8-10>/<a24>"}},
      {"secrets-wide/discord-webhook",
       {"discord.com/api/webhooks/1<d17>/<w68>", "discordapp.com/api/webhooks/1<d18>/<w68>"}},
      {"secrets-wide/telegram-token", {"<d8-10>:AA<w33>"}},
      {"secrets-wide/stripe-key", {"sk_live_<a24>", "rk_live_<a99>", "sk_test_<a24>", "whsec_<a32>"}},
      {"secrets-wide/square-token", {"sq0atp-<w22>", "sq0csp-<w43>", "EAAA<w60>"}},
      {"secrets-wide/braintree-token", {"access_token$production$<l16>$<h32>"}},
      {"secrets-wide/npm-token", {"npm_<a36>"}},
      {"secrets-wide/pypi-token", {"pypi-AgEIcHlwaS5vcmc<w100-160>"}},
      {"secrets-wide/sendgrid-key", {"SG.<w22>.<w43>"}},
      {"secrets-wide/twilio-key", {"SK<h32>"}},
      {"secrets-wide/model-key", {"sk-ant-api03-<w93>", "sk-proj-<w120>", "hf_<i34>"}},
  };
  return kForms;
}

using Make = std::string (*)(std::size_t way, Random& random);
struct Made {
  std::size_t ways = 0;
  Make make = nullptr;
};
const std::map<std::string_view, Made>& made() {
  static const std::map<std::string_view, Made> kMade = {
      {"pii/card", {3, card}},
      {"pii/email", {2, email}},
      {"pii/us-ssn", {2, social_security_number}},
      {"pii-wide/uk-nino", {2, insurance_number}},
      {"pii/iban", {2, iban}},
      {"pii-wide/phone", {3, phone}},
      {"pii-wide/ipv4", {1, ipv4}},
      {"pii-wide/ipv6", {3, ipv6}},
      {"pii-wide/mac", {3, mac}},
      {"secrets/jwt", {1, [](std::size_t, Random& random) { return json_web_token(random); }}},
      {"secrets-wide/discord-token", {1, [](std::size_t, Random& random) { return discord_token(random); }}},
      {"secrets/private-key",
       {3,
        [](std::size_t way, Random& random) {
          return private_key(way == 0 ? "" : way == 1 ? "RSA " : "OPENSSH ", random);
        }}},
  };
  return kMade;
}

std::string json_escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

// application/x-www-form-urlencoded
std::string form_escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ' ')
      out += '+';
    else if (c < ' ' && c != '\n')
      out += c;  // a mark
    else if (kAlphanumeric.contains(c) || std::string_view("-._*").contains(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Labelled between(const std::string& before, const std::string& value, const std::string& behind) {
  Labelled all{before + value + behind, before.size(), before.size() + value.size()};
  const std::size_t begin = all.text.find('\001');
  if (begin == std::string::npos) return all;
  all.text.erase(begin, 1);
  const std::size_t end = all.text.find('\002');
  all.text.erase(end, 1);
  return {all.text, begin, end};
}

}  // namespace

std::vector<std::string> labelled_rules() {
  std::vector<std::string> rules;
  for (const auto& [rule, ways] : forms()) rules.emplace_back(rule);
  for (const auto& [rule, ways] : made()) rules.emplace_back(rule);
  std::ranges::sort(rules);
  return rules;
}

std::size_t ways_of(std::string_view rule) {
  const auto form = forms().find(rule);
  return form != forms().end() ? form->second.size() : made().at(rule).ways;
}

std::string value_of(std::string_view rule, std::size_t way, Random& random) {
  const auto form = forms().find(rule);
  return form != forms().end() ? filled(form->second[way], random) : made().at(rule).make(way, random);
}

bool occurs_in(std::string_view rule, TextKind kind) {
  const bool only_in_heads = rule == "secrets/bearer" || rule == "secrets/basic-auth";
  if (kind == TextKind::head) return rule != "secrets/private-key";
  // A statement stands in quotes of its own, and an ampersand of an address is encoded twice in a form.
  if (rule == "secrets-wide/sql-password" && kind == TextKind::sql) return false;
  if (rule == "secrets-wide/azure-sas" && kind == TextKind::form) return false;
  return !only_in_heads;
}

Labelled carried(std::string_view value, TextKind kind, Random& random) {
  const std::string id = filled("<d5>", random);
  switch (kind) {
    case TextKind::json:
      return between(fmt::format(R"({{"id":{},"note":"blue cotton","value":")", id), json_escaped(value),
                     R"(","open":true},)");
    case TextKind::form:
      return between("id=" + id + "&note=blue+cotton&value=", form_escaped(value), "&open=true\n");
    case TextKind::csv:
      return between(id + ",blue cotton,\"", std::string(value), "\",true\n");
    case TextKind::sql:
      return between("INSERT INTO t (id, note, value) VALUES (" + id + ", 'blue cotton', '", std::string(value),
                     "');\n");
    case TextKind::log:
      return between("2026-08-14T09:15:42Z INFO id=" + id + " value=", std::string(value), " status=200\n");
    case TextKind::head:
      return between("GET /orders/" + id + " HTTP/1.1\r\nAuthorization: ", std::string(value),
                     "\r\nAccept: */*\r\n\r\n");
  }
  return {};
}

}  // namespace sluice::test
