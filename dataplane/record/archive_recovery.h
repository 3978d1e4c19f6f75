// What the writer does before it starts: finds the segments that a crash left open, cuts their torn tails
// and seals them.
#pragma once

#include <string>

#include "dataplane/record/writer.h"

namespace sluice::record {

// No writer may be at work in the directory. Damaged segments are named in the notes and left alone.
ArchiveRecovery recover_archive(const std::string& directory);

}  // namespace sluice::record
