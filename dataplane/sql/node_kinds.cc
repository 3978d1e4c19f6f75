// See node_kinds.h.
#include "dataplane/sql/node_kinds.h"

#include <algorithm>

namespace sluice::sql {
namespace {

struct NodeName {
  std::string_view node;
  NodeKind kind;
};

constexpr NodeName kNodes[] = {
    {"SelectStmt", {Kind::select}},
    {"InsertStmt", {Kind::insert}},
    {"UpdateStmt", {Kind::update}},
    {"DeleteStmt", {Kind::delete_}},
    {"MergeStmt", {Kind::merge}},
    {"TruncateStmt", {Kind::truncate, Object::table}},
    {"CopyStmt", {Kind::copy_to}},
    {"CallStmt", {Kind::call}},
    {"DoStmt", {Kind::do_}},
    {"ExplainStmt", {Kind::explain}},
    {"VariableSetStmt", {Kind::set}},
    {"ConstraintsSetStmt", {Kind::set, Object::constraint}},
    {"VariableShowStmt", {Kind::show}},
    {"PrepareStmt", {Kind::prepare}},
    {"ExecuteStmt", {Kind::execute}},
    {"DeallocateStmt", {Kind::deallocate}},
    {"TransactionStmt", {Kind::transaction}},
    {"ListenStmt", {Kind::listen}},
    {"UnlistenStmt", {Kind::listen}},
    {"NotifyStmt", {Kind::notify}},
    {"VacuumStmt", {Kind::vacuum}},
    {"LockStmt", {Kind::lock, Object::table}},
    {"DeclareCursorStmt", {Kind::declare}},
    {"FetchStmt", {Kind::fetch}},
    {"ClosePortalStmt", {Kind::close}},
    {"DiscardStmt", {Kind::discard}},
    {"LoadStmt", {Kind::load}},
    {"CheckPointStmt", {Kind::maintain, Object::system}},
    {"ReindexStmt", {Kind::maintain}},
    {"ClusterStmt", {Kind::maintain}},
    {"RefreshMatViewStmt", {Kind::maintain, Object::materialized_view}},
    {"CommentStmt", {Kind::comment}},
    {"SecLabelStmt", {Kind::alter}},
    {"GrantStmt", {Kind::revoke}},
    {"GrantRoleStmt", {Kind::revoke, Object::role}},
    {"AlterDefaultPrivilegesStmt", {Kind::revoke}},
    {"ReassignOwnedStmt", {Kind::alter, Object::other}},
    {"RenameStmt", {Kind::alter}},
    {"AlterSystemStmt", {Kind::alter, Object::system}},
    {"AlterRoleStmt", {Kind::alter, Object::role}},
    {"AlterRoleSetStmt", {Kind::alter, Object::role}},
    {"AlterDatabaseStmt", {Kind::alter, Object::database}},
    {"AlterDatabaseSetStmt", {Kind::alter, Object::database}},
    {"AlterDatabaseRefreshCollStmt", {Kind::alter, Object::database}},
    {"AlterFunctionStmt", {Kind::alter, Object::function}},
    {"AlterSeqStmt", {Kind::alter, Object::sequence}},
    {"AlterDomainStmt", {Kind::alter, Object::type}},
    {"AlterEnumStmt", {Kind::alter, Object::type}},
    {"AlterTypeStmt", {Kind::alter, Object::type}},
    {"AlterExtensionStmt", {Kind::alter, Object::extension}},
    {"AlterExtensionContentsStmt", {Kind::alter, Object::extension}},
    {"AlterPolicyStmt", {Kind::alter, Object::policy}},
    {"AlterPublicationStmt", {Kind::alter, Object::publication}},
    {"AlterSubscriptionStmt", {Kind::alter, Object::subscription}},
    {"AlterForeignServerStmt", {Kind::alter, Object::server}},
    {"AlterFdwStmt", {Kind::alter, Object::server}},
    {"AlterUserMappingStmt", {Kind::alter, Object::user_mapping}},
    {"AlterEventTrigStmt", {Kind::alter, Object::event_trigger}},
    {"AlterTableMoveAllStmt", {Kind::alter, Object::table}},
    {"AlterTableSpaceOptionsStmt", {Kind::alter, Object::tablespace}},
    {"CreateStmt", {Kind::create, Object::table}},
    {"CreateTableAsStmt", {Kind::create, Object::table}},
    {"CreateForeignTableStmt", {Kind::create, Object::table}},
    {"ViewStmt", {Kind::create, Object::view}},
    {"IndexStmt", {Kind::create, Object::index}},
    {"CreateSeqStmt", {Kind::create, Object::sequence}},
    {"CreateFunctionStmt", {Kind::create, Object::function}},
    {"CreateTrigStmt", {Kind::create, Object::trigger}},
    {"CreateEventTrigStmt", {Kind::create, Object::event_trigger}},
    {"RuleStmt", {Kind::create, Object::rule}},
    {"CreateSchemaStmt", {Kind::create, Object::schema}},
    {"ImportForeignSchemaStmt", {Kind::create, Object::schema}},
    {"CreatedbStmt", {Kind::create, Object::database}},
    {"CreateRoleStmt", {Kind::create, Object::role}},
    {"CreateExtensionStmt", {Kind::create, Object::extension}},
    {"CreateDomainStmt", {Kind::create, Object::type}},
    {"CompositeTypeStmt", {Kind::create, Object::type}},
    {"CreateEnumStmt", {Kind::create, Object::type}},
    {"CreateRangeStmt", {Kind::create, Object::type}},
    {"DefineStmt", {Kind::create}},
    {"CreatePolicyStmt", {Kind::create, Object::policy}},
    {"CreatePublicationStmt", {Kind::create, Object::publication}},
    {"CreateSubscriptionStmt", {Kind::create, Object::subscription}},
    {"CreateForeignServerStmt", {Kind::create, Object::server}},
    {"CreateFdwStmt", {Kind::create, Object::server}},
    {"CreateUserMappingStmt", {Kind::create, Object::user_mapping}},
    {"CreatePLangStmt", {Kind::create, Object::language}},
    {"CreateTableSpaceStmt", {Kind::create, Object::tablespace}},
    {"DropStmt", {Kind::drop}},
    {"DropdbStmt", {Kind::drop, Object::database}},
    {"DropRoleStmt", {Kind::drop, Object::role}},
    {"DropSubscriptionStmt", {Kind::drop, Object::subscription}},
    {"DropTableSpaceStmt", {Kind::drop, Object::tablespace}},
    {"DropUserMappingStmt", {Kind::drop, Object::user_mapping}},
};

struct ObjectName {
  std::string_view name;
  Object object;
};

constexpr ObjectName kObjects[] = {
    {"OBJECT_TABLE", Object::table},
    {"OBJECT_FOREIGN_TABLE", Object::table},
    {"OBJECT_VIEW", Object::view},
    {"OBJECT_MATVIEW", Object::materialized_view},
    {"OBJECT_INDEX", Object::index},
    {"OBJECT_SEQUENCE", Object::sequence},
    {"OBJECT_COLUMN", Object::column},
    {"OBJECT_ATTRIBUTE", Object::column},
    {"OBJECT_TABCONSTRAINT", Object::constraint},
    {"OBJECT_DOMCONSTRAINT", Object::constraint},
    {"OBJECT_FUNCTION", Object::function},
    {"OBJECT_AGGREGATE", Object::function},
    {"OBJECT_ROUTINE", Object::function},
    {"OBJECT_PROCEDURE", Object::procedure},
    {"OBJECT_TRIGGER", Object::trigger},
    {"OBJECT_EVENT_TRIGGER", Object::event_trigger},
    {"OBJECT_RULE", Object::rule},
    {"OBJECT_SCHEMA", Object::schema},
    {"OBJECT_DATABASE", Object::database},
    {"OBJECT_ROLE", Object::role},
    {"OBJECT_EXTENSION", Object::extension},
    {"OBJECT_TYPE", Object::type},
    {"OBJECT_DOMAIN", Object::type},
    {"OBJECT_POLICY", Object::policy},
    {"OBJECT_PUBLICATION", Object::publication},
    {"OBJECT_SUBSCRIPTION", Object::subscription},
    {"OBJECT_FOREIGN_SERVER", Object::server},
    {"OBJECT_FDW", Object::server},
    {"OBJECT_USER_MAPPING", Object::user_mapping},
    {"OBJECT_LANGUAGE", Object::language},
    {"OBJECT_TABLESPACE", Object::tablespace},
};

}  // namespace

NodeKind kind_of_node(std::string_view node) {
  const auto* const known = std::ranges::find(kNodes, node, &NodeName::node);
  if (known != std::end(kNodes)) return known->kind;
  if (node.starts_with("Create")) return {Kind::create, Object::other};
  if (node.starts_with("Alter")) return {Kind::alter, Object::other};
  if (node.starts_with("Drop")) return {Kind::drop, Object::other};
  return {};
}

Object object_of(std::string_view name) {
  const auto* const known = std::ranges::find(kObjects, name, &ObjectName::name);
  return known == std::end(kObjects) ? Object::other : known->object;
}

}  // namespace sluice::sql
