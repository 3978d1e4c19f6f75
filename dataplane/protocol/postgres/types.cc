// See types.h. OIDs are those of src/include/catalog/pg_type.dat.
#include "dataplane/protocol/postgres/types.h"

#include <algorithm>
#include <iterator>

namespace sluice::postgres {
namespace {

constexpr Type kTypes[] = {
    {16, 1000, bool_text, false, Blank::boolean, Blank::zeros},
    {17, 1001, bytea_text, true, Blank::bytea, Blank::stars},
    {18, 1002, nullptr, true, Blank::stars, Blank::stars},     // "char"
    {19, 1003, plain_text, true, Blank::stars, Blank::stars},  // name
    {20, 1016, int8_text, false, Blank::digits, Blank::zeros},
    {21, 1005, int2_text, false, Blank::digits, Blank::zeros},
    {23, 1007, int4_text, false, Blank::digits, Blank::zeros},
    {25, 1009, plain_text, true, Blank::stars, Blank::stars},  // text
    {26, 1028, oid_text, false, Blank::digits, Blank::zeros},
    {27, 1010, nullptr, false, Blank::stars, Blank::zeros},     // tid
    {28, 1011, nullptr, false, Blank::digits, Blank::zeros},    // xid
    {29, 1012, nullptr, false, Blank::digits, Blank::zeros},    // cid
    {114, 199, plain_text, true, Blank::json, Blank::json},     // json
    {142, 143, plain_text, true, Blank::stars, Blank::stars},   // xml
    {600, 1017, nullptr, false, Blank::stars, Blank::zeros},    // point
    {601, 1018, nullptr, false, Blank::stars, Blank::zeros},    // lseg
    {603, 1020, nullptr, false, Blank::stars, Blank::zeros},    // box
    {650, 651, inet_text, false, Blank::address, Blank::cidr},  // cidr
    {700, 1021, float4_text, false, Blank::digits, Blank::zeros},
    {701, 1022, float8_text, false, Blank::digits, Blank::zeros},
    {718, 719, nullptr, false, Blank::stars, Blank::zeros},   // circle
    {774, 775, nullptr, false, Blank::mac, Blank::zeros},     // macaddr8
    {790, 791, nullptr, false, Blank::digits, Blank::zeros},  // money
    {829, 1040, macaddr_text, false, Blank::mac, Blank::zeros},
    {869, 1041, inet_text, false, Blank::address, Blank::inet},
    {1042, 1014, plain_text, true, Blank::stars, Blank::stars},  // bpchar
    {1043, 1015, plain_text, true, Blank::stars, Blank::stars},  // varchar
    {1082, 1182, date_text, false, Blank::date, Blank::zeros},
    {1083, 1183, time_text, false, Blank::time, Blank::zeros},
    {1114, 1115, timestamp_text, false, Blank::date, Blank::zeros},
    {1184, 1185, timestamptz_text, false, Blank::date, Blank::zeros},
    {1186, 1187, nullptr, false, Blank::digits, Blank::zeros},  // interval
    {1266, 1270, nullptr, false, Blank::time, Blank::zeros},    // timetz
    {1560, 1561, nullptr, false, Blank::digits, Blank::bits},   // bit
    {1562, 1563, nullptr, false, Blank::digits, Blank::bits},   // varbit
    {1700, 1231, numeric_text, false, Blank::digits, Blank::numeric},
    {2950, 2951, uuid_text, false, Blank::uuid, Blank::zeros},
    {3220, 3221, nullptr, false, Blank::stars, Blank::zeros},  // pg_lsn
    {3802, 3807, jsonb_text, true, Blank::json, Blank::jsonb},
    {5069, 271, nullptr, false, Blank::digits, Blank::zeros},  // xid8
};

}  // namespace

const Type* type_of(std::uint32_t oid) {
  const auto* found = std::ranges::find(kTypes, oid, &Type::oid);
  return found == std::end(kTypes) ? nullptr : found;
}

const Type* type_of_array(std::uint32_t oid) {
  const auto* found = std::ranges::find(kTypes, oid, &Type::array_oid);
  return found == std::end(kTypes) ? nullptr : found;
}

}  // namespace sluice::postgres
