// What was done to something on its way into a pack, in words, and whether it finds the same as before.
#pragma once

#include <string>
#include <vector>

namespace sluice::rules::import {

struct Note {
  bool other_matches = false;  // it may find more, or less, than it did
  std::string text;
};

// Without doubles: one rule may be split into several that tell the same.
class Notes {
 public:
  void same(std::string text) { add({false, std::move(text)}); }
  void other(std::string text) { add({true, std::move(text)}); }
  void add(const Notes& notes) {
    for (const Note& note : notes.all_) add(note);
  }
  [[nodiscard]] const std::vector<Note>& all() const { return all_; }
  [[nodiscard]] bool other_matches() const {
    for (const Note& note : all_)
      if (note.other_matches) return true;
    return false;
  }

 private:
  void add(Note note) {
    for (const Note& known : all_)
      if (known.text == note.text) return;
    all_.push_back(std::move(note));
  }

  std::vector<Note> all_;
};

}  // namespace sluice::rules::import
