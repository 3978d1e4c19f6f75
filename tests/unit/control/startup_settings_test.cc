// The settings of a recorded startup packet, as they are given to another server.
#include "control/replay/startup_settings.h"

#include <gtest/gtest.h>

#include "tests/unit/control/recorded_texts.h"

namespace sluice::control {
namespace {

using test::text;

std::string settings_of(const std::string& head, const std::string& body) {
  const auto settings = startup_settings(parse_postgres_head(head), body);
  if (!settings) return settings.error().detail;
  std::string out;
  for (const StartupSetting& one : *settings) out += one.name + "=" + one.value + ";";
  return out;
}

TEST(StartupSettings, AreThoseOfThePacketAndOfItsOptions) {
  EXPECT_EQ(settings_of("STARTUP \"DateStyle\" \"options\" \"client_encoding\"\n",
                        text("ISO, DMY") + text(" -c  geqo=off --search-path=a,\\ b\\\\ -cwork_mem=1MB -c lc_time=") +
                            text("'utf-8'")),
            "DateStyle=ISO, DMY;geqo=off;search_path=a, b\\;work_mem=1MB;lc_time=;client_encoding='utf-8';");
  EXPECT_EQ(settings_of("STARTUP replication\n", ""), "");
}

TEST(StartupSettings, SaysNothingOfWhoCalls) {
  EXPECT_EQ(settings_of("STARTUP \"password\" \"options\" \"_pq_.compression\"\n",
                        text("s3cret") + text("-c user=eve -c password=s3cret -c replication=on") + text("zstd")),
            "");
}

TEST(StartupSettings, ASwitchThatIsNoSettingIsOneThatNoServerHas) {
  EXPECT_EQ(settings_of("STARTUP \"options\"\n", text("-e -c")), "-e=;=;");
}

TEST(StartupSettings, AreTakenAllOrNotAtAll) {
  const std::string missing = "its settings are not all on the record";
  EXPECT_EQ(settings_of("STARTUP \"DateStyle\" \"geqo\"\n", text("ISO")), missing);
  EXPECT_EQ(settings_of("STARTUP \"DateStyle\" \"geq", text("ISO") + text("off")), missing);
  EXPECT_EQ(settings_of("STARTUP \"DateStyle\"\n", "IS"), missing);
}

TEST(StartupSettings, AreWrittenSoThatAServerReadsThem) {
  const std::vector<StartupSetting> settings = {{"search_path", "a, \"b\\\""}, {"lc_time", ""}};
  const std::string options = startup_options(settings);
  EXPECT_EQ(options, "-c search_path=a,\\ \"b\\\\\" -c lc_time=");
  EXPECT_EQ(settings_of("STARTUP \"options\"\n", text(options)), "search_path=a, \"b\\\";lc_time=;");
}

}  // namespace
}  // namespace sluice::control
