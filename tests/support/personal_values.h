// Personal data that belongs to nobody, made from a seed: well-formed as those who issue such numbers say, check digits
// included. `way` is how it is written: plain, in groups, and so on.
#pragma once

#include <cstddef>
#include <string>

#include "common/random.h"

namespace sluice::test {

std::string card(std::size_t way, Random& random);
std::string email(std::size_t way, Random& random);
std::string social_security_number(std::size_t way, Random& random);
std::string insurance_number(std::size_t way, Random& random);
std::string iban(std::size_t way, Random& random);
std::string phone(std::size_t way, Random& random);
std::string ipv4(std::size_t way, Random& random);
std::string ipv6(std::size_t way, Random& random);
std::string mac(std::size_t way, Random& random);

}  // namespace sluice::test
