"""The repository: the format of docs/repository-format.md, and nobody else knows it.

Movers import some of these modules, and may not load what the others need (Arrow binds its own copy of a
library that VDDK brings too). So this package exports nothing by itself; import from its modules:

* for everybody: `layout`, `identity`, `errors`, `sealed_documents`
* the data path: `segment_writer`, `segment_reader`, `drafts`, `draft_writer`, `task_files`
* the engine only: `repository`, `commit`, `image_reader`, `points`, `verification`, `leases`, `retirement`
"""
