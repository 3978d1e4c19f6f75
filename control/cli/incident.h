// `sluice incident`: what one caller did and what was decided about it, gathered into one file that reads well.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "control/cli/client.h"
#include "control/cli/tell.h"

namespace sluice::cli {

// What control answered, each as its own address gives it.
struct IncidentParts {
  std::string principal;
  std::string service;             // empty: all
  std::string since;               // as asked, for example 1h
  Json status = Json::object();    // /v1/status
  Json callers = Json::object();   // /v1/callers
  Json sessions = Json::object();  // /v1/sessions
  Json orders = Json::object();    // /v1/orders
  Json alerts = Json::object();    // /v1/alerts
  std::vector<Json> holds = {};    // /v1/holds/ID of each, the oldest first
  bool holds_are_all = true;       // else there were more
};

// Markdown: what it is about, how it went by time, alerts, each hold with its parameters and decision, sessions,
// counts. What callers sent cannot break out of its place.
std::string incident_text(const IncidentParts& parts);

// Whether an order counted at or after `from` (ISO 8601) and is about the caller: names it, or nobody and what is among
// the sessions and holds of `parts`.
bool belongs(const Json& order, const IncidentParts& parts, const std::string& from);

// `shared` and `exit` outlive the app.
void add_incident(CLI::App& app, const Shared& shared, Exit& exit);

}  // namespace sluice::cli
