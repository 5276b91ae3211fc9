//! Whole flows over the merged routers.
