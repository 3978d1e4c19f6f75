"""The lab: two namespaces, the appliance between them, real servers. Used by tools/lab, tools/demo and tests/e2e."""
