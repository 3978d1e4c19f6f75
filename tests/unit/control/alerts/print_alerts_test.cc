// Alerts as people read them, in a list, by themselves and in an incident.
#include "control/cli/alerts.h"

#include <gmock/gmock.h>

#include "control/cli/incident.h"

namespace sluice::cli {
namespace {

using ::testing::HasSubstr;

Json sample() {
  return Json::parse(R"({"id": 7, "alert": "runaway", "state": "over", "severity": "critical",
    "text": "runaway: requests of ci at orders: 12/s again", "summary": "stop it", "service": "orders",
    "principals": ["ci|\u001b[2J"], "sessions": ["00000000000000a1", "00000000000000a2"], "value_text": "512/s",
    "above_text": "100/s", "raised": "2026-11-21T12:00:00.000000000Z", "cleared": "2026-11-21T12:01:30.000000000Z",
    "lasted_ns": 90000000000, "action": "paused for 15m by order 3", "told": ["chat"]})");
}

TEST(PrintAlerts, AListHasALineForEachAndWhatIsWrongWithItself) {
  EXPECT_EQ(alerts_text(Json::object()), "no alerts\n");
  const Json list = {{"alerts", {sample()}},
                     {"refused", "alerts.yaml:2:1: no"},
                     {"untracked", 4},
                     {"sinks", {{{"name", "chat"}, {"problem", "it answers with status 500"}}, {{"name", "log"}}}}};
  const std::string text = alerts_text(list);
  EXPECT_THAT(text, HasSubstr("7  runaway  over   critical  2026-11-21 12:00:00.000  90s     runaway: requests of ci"));
  EXPECT_THAT(text, HasSubstr("the file was changed and is not taken: alerts.yaml:2:1: no\n"));
  EXPECT_THAT(text, HasSubstr("sink chat is not told: it answers with status 500\n"));
  EXPECT_THAT(text, HasSubstr("4 times something found no room to be watched\n"));
}

TEST(PrintAlerts, OneNamesPrincipalsSessionsAndWhatWasDone) {
  const std::string text = alert_text(sample());
  for (const char* part :
       {"Alert 7: runaway: requests of ci at orders: 12/s again\n", "state       over, critical\n",
        "with 512/s, above 100/s\n", "principals  ci|?[2J\n", "sessions    00000000000000a1, 00000000000000a2\n",
        "action      paused for 15m by order 3\n", "told        chat\n"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(PrintAlerts, AnIncidentHasThemInItsTimelineAndByThemselves) {
  IncidentParts parts{.principal = "ci", .service = "", .since = "1h"};
  EXPECT_THAT(incident_text(parts), HasSubstr("## Alerts\n\nNone.\n"));
  parts.alerts = {{"alerts", {sample()}}};
  const std::string text = incident_text(parts);
  EXPECT_THAT(text, HasSubstr("12:00:00.000  alert 7 runaway is raised\n"));
  EXPECT_THAT(text, HasSubstr("12:01:30.000  alert 7 runaway is over\n"));
  EXPECT_THAT(text, HasSubstr("| 7 | runaway | over | critical | 2026-11-21 12:00:00.000 | 512/s | 100/s | "
                              "00000000000000a1 00000000000000a2 | paused for 15m by order 3 |\n"));
}

}  // namespace
}  // namespace sluice::cli
