"""The pages, one module a family: each parses, calls a service and answers. No rule lives here."""
